import * as z from 'zod';
import { Severity } from '../config/names.ts';

/** Words of other people and tools for each severity. Letter case, blanks, hyphens, and underscores don't count. */
const WORDS = {
  critical: ['critical', 'page', 'crit', 'fatal', 'emergency', 'high', 'p1', 'sev1'],
  warning: ['warning', 'warn', 'ticket', 'medium', 'p2', 'p3', 'sev2', 'sev3'],
  info: ['info', 'none', 'notice', 'low', 'p4', 'p5', 'sev4'],
} as const satisfies Record<Severity, readonly string[]>;

/** The severity of each known word, in the spelling of `severityKey`. */
export const SEVERITIES: Readonly<Record<string, Severity>> = Object.fromEntries(
  Severity.options.flatMap((severity) => WORDS[severity].map((word) => [word, severity])),
);

/** Returns a word as it is compared. */
export const severityKey = (word: string): string => word.toLowerCase().replaceAll(/[\s_-]/g, '');

/** A team's own words, by `severityKey`. */
export type SeverityWords = Readonly<Record<string, Severity>>;

/** `severities` of `routes.yaml`: a team's own words. They take precedence over the known ones, except for those of Firebreak. */
export const OwnSeverities = z.record(z.string(), Severity).transform((words, context): SeverityWords => {
  const own = Object.entries(words).map(([word, severity]) => [severityKey(word), severity] as const);
  for (const [key, severity] of own) {
    const issue = (message: string) => context.addIssue({ code: 'custom', path: [key], message });
    if (key === '') issue('a word must not be empty');
    if (Severity.options.some((name) => name === key) && key !== severity)
      issue(`"${key}" is a severity of Firebreak, and cannot mean "${severity}"`);
    if (own.some(([other, another]) => other === key && another !== severity))
      issue(`"${key}" is written twice, with different severities: letter case, blanks, "-", and "_" don't count`);
  }
  return Object.fromEntries(own);
});

/** Names that people use beside the words of senders. */
const NAMES_OF_PEOPLE: Readonly<Record<string, Severity>> = {
  sev0: 'critical',
  p0: 'critical',
  major: 'critical',
  minor: 'warning',
  sev5: 'info',
};

/** Returns the severity that a person names: `SEV-1`, `P1`, and `critical` are equal. Undefined: it is not known. */
export const severityNamed = (name: string, own: SeverityWords = {}): Severity | undefined =>
  knownSeverity(name, { ...NAMES_OF_PEOPLE, ...own });

/** Returns all words that `severityNamed` knows. */
export const severityWords = (own: SeverityWords): string[] =>
  Object.keys({ ...SEVERITIES, ...NAMES_OF_PEOPLE, ...own });

/** Returns the severity of a word. Undefined: it is not known. */
export function knownSeverity(word: string, own: SeverityWords = {}): Severity | undefined {
  const key = severityKey(word);
  return ([own, SEVERITIES] as const).flatMap((words) => (Object.hasOwn(words, key) ? (words[key] ?? []) : []))[0];
}
