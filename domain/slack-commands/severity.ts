import { Severity } from '../../schemas/names.ts';
import { nearest } from '../runbooks/nearest.ts';

/** What people call severities elsewhere. */
const LEVELS: Readonly<Record<string, Severity>> = {
  ...Object.fromEntries(Severity.options.map((severity) => [severity, severity])),
  ...Object.fromEntries(['sev0', 'sev1', 'p0', 'p1', 'crit', 'page', 'major'].map((word) => [word, 'critical'])),
  ...Object.fromEntries(['sev2', 'sev3', 'p2', 'p3', 'warn', 'ticket', 'minor'].map((word) => [word, 'warning'])),
  ...Object.fromEntries(['sev4', 'sev5', 'p4', 'p5', 'none', 'low'].map((word) => [word, 'info'])),
};

/** `SEV-1`, `P1` and `critical` are one. Undefined: it is none that is known. */
export const severityIn = (word: string): Severity | undefined => {
  const key = word.toLowerCase().replaceAll(/[\s_-]/g, '');
  return Object.hasOwn(LEVELS, key) ? LEVELS[key] : undefined;
};

export const nearestSeverity = (word: string): Severity | undefined => {
  const near = nearest(word, Object.keys(LEVELS));
  return near === null ? undefined : LEVELS[near];
};
