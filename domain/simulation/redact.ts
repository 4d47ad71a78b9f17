/** Values of `by` that name no person. */
const NO_PERSON: ReadonlySet<string> = new Set([
  'alert',
  'person',
  'none',
  'runbook',
  'verification',
  'maintenance',
  'silence',
  'firebreak',
  'alerts',
  'group',
]);

/** Keys whose values name a person or a token. */
const NAMES: ReadonlySet<string> = new Set(['by', 'author', 'responder', 'sender', 'answered_by', 'actor', 'given']);

/** Keys whose values are free text of people, or addresses; no decision depends on them. */
const DROPPED: ReadonlySet<string> = new Set(['note', 'url', 'reason', 'commits']);

type Pattern = readonly [pattern: RegExp, instead: string];

const SECRETS: readonly Pattern[] = [
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '<secret>'],
  [/\b(?:xox[abeoprs]-|gh[pousr]_|github_pat_|glpat-|sk-|AKIA|ASIA)[\w-]{8,}/g, '<secret>'],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, '$1 <secret>'],
  [/\b(pass(?:word|wd)?|secret|token|api[_-]?key|authorization)(["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi, '$1$2<secret>'],
];

const PATTERNS: readonly Pattern[] = [
  [/\bhttps?:\/\/[^\s"'<>]+/gi, '<url>'],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '<email>'],
  ...SECRETS,
  [/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, '<ip>'],
];

const replaced = (text: string, patterns: readonly Pattern[]): string =>
  patterns.reduce((left, [pattern, instead]) => left.replaceAll(pattern, instead), text);

const cleaned = (text: string): string => replaced(text, PATTERNS);

/** Removes credentials from an address that is kept. */
export const withoutSecrets = (url: string): string => replaced(url, [[/^(https?:\/\/)[^/?#@]*@/gi, '$1'], ...SECRETS]);

/**
 * Removes people, addresses, and secrets from what was recorded of an incident. What a policy depends on stays: labels,
 * times, versions, and measured values. The same person has the same number everywhere.
 */
export function redacted<T extends object>(recorded: T): T {
  const people = new Map<string, string>();
  const person = (name: string): string => {
    const known = people.get(name) ?? `person-${people.size + 1}`;
    people.set(name, known);
    return known;
  };
  const walk = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') {
      if (NAMES.has(key) && !NO_PERSON.has(value)) return person(value);
      return DROPPED.has(key) ? '' : cleaned(value);
    }
    if (Array.isArray(value)) return DROPPED.has(key) ? [] : value.map((one) => walk(one, NAMES.has(key) ? key : ''));
    if (typeof value !== 'object' || value === null) return value;
    const isByPerson = 'by' in value && value.by === 'person';
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        isByPerson && name === 'name' && typeof inner === 'string' && inner !== ''
          ? person(inner)
          : name === 'url' && inner !== null
            ? null
            : walk(inner, name),
      ]),
    );
  };
  return walk(recorded) as T;
}
