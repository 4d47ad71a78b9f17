import { SEVERITIES, severityKey } from '../../../../schemas/alerts/severities.ts';
import type { Severity } from '../../../../schemas/config/names.ts';
import { nearest } from '../../../../schemas/parsing/similar-names.ts';

/** Common names of severities in other tools. */
const SEVERITY_BY_NAME: Readonly<Record<string, Severity>> = {
  ...SEVERITIES,
  ...Object.fromEntries(['sev0', 'p0', 'major'].map((word) => [word, 'critical'])),
  minor: 'warning',
  sev5: 'info',
};

/** Parses a severity: `SEV-1`, `P1`, and `critical` are equal. Undefined: unknown. */
export const severityIn = (word: string): Severity | undefined => {
  const key = severityKey(word);
  return Object.hasOwn(SEVERITY_BY_NAME, key) ? SEVERITY_BY_NAME[key] : undefined;
};

/** Returns the error for an unknown severity, with all severities and their other names. */
export const unknownSeverityText = (): string =>
  'unknown severity: use critical (SEV0, SEV1, P0, P1), warning (SEV2, SEV3, P2, P3), or info (SEV4, SEV5, P4, P5)';

/** Suggests a severity; undefined: none is similar. A level that does not exist, such as P9, has no suggestion. */
export const nearestSeverity = (word: string): Severity | undefined => {
  if (/^\D+\d+$/.test(word)) return undefined;
  const near = nearest(word, Object.keys(SEVERITY_BY_NAME));
  return near === null ? undefined : SEVERITY_BY_NAME[near];
};
