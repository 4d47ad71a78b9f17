import { severityNamed, severityWords, type SeverityWords } from '../../../schemas/alerts/severities.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import { Refusal } from '../refusal.ts';

/**
 * Returns the severity that a person or a program names, in the team's own words of `routes.yaml` or in known ones.
 *
 * @throws Refusal 422 with all severities, and the most similar one
 */
export function requireSeverity({ routes: { severities } }: Pick<Config, 'routes'>, word: string): Severity {
  const severity = severityNamed(word, severities);
  if (severity !== undefined) return severity;
  const own = Object.keys(severities);
  const ownText = own.length === 0 ? '' : `, or a word of routes.yaml: ${own.join(', ')}`;
  throw new Refusal(
    422,
    'invalid',
    `json: severity: unknown severity: use critical (SEV0, SEV1, P0, P1), warning (SEV2, SEV3, P2, P3), or info (SEV4, SEV5, P4, P5)${ownText}${suggestionText(nearestSeverity(word, severities))}`,
  );
}

/** Suggests a severity; null: none is similar. A level that does not exist, such as P9, has no suggestion. */
function nearestSeverity(word: string, own: SeverityWords): Severity | null {
  if (/^\D+\d+$/.test(word)) return null;
  const near = nearest(word, severityWords(own));
  return near === null ? null : (severityNamed(near, own) ?? null);
}
