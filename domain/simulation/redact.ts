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
const NAMES: ReadonlySet<string> = new Set([
  'by',
  'author',
  'responder',
  'sender',
  'answered_by',
  'actor',
  'given',
  'recipients',
]);

/** Keys whose values are free text of people, or addresses; no decision depends on them. */
const DROPPED: ReadonlySet<string> = new Set(['note', 'url', 'reason', 'commits']);

/** Keys with lists of labels. */
const LABEL_LISTS: ReadonlySet<string> = new Set(['labels', 'annotations']);

/** Returns the key by which the value of a label is redacted: its name if that marks a secret or an identifier, else ''. */
const labelKey = (name: string): string => (IS_SECRET.test(name) || IDENTIFIES.test(name) ? name : '');

type Pattern = readonly [pattern: RegExp, instead: string];

/** Ends of names whose values are secrets: `password`, `db_password`, `AWS_SECRET_ACCESS_KEY`, `x-api-key`. */
const SECRET_NAME = String.raw`(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|authorization|cookie)(?:[_-]?(?:id|key|value))?`;

const IS_SECRET = new RegExp(`${SECRET_NAME}$`, 'i');

const SECRETS: readonly Pattern[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '<secret>'],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '<secret>'],
  [
    /\b(?:xox[abeoprs]-|xapp-|gh[pousr]_|github_pat_|glpat-|npm_|pypi-|sk-|[rsp]k_(?:live|test)_|whsec_|AKIA|ASIA|AIza|ya29\.|SG\.|hvs\.|dapi)[\w.-]{8,}/g,
    '<secret>',
  ],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, '$1 <secret>'],
  // Quotation marks are escaped in JSON that a text quotes.
  [
    new RegExp(String.raw`(${SECRET_NAME}\\{0,8}["']?\s*[=:]\s*)(?:\\{0,8}"[^"]*"|'[^']*'|[^\s"',;&]+)`, 'gi'),
    '$1<secret>',
  ],
  [new RegExp(String.raw`(\s--?[\w-]{0,40}${SECRET_NAME}\s+)(?:"[^"]*"|'[^']*'|[^\s"']+)`, 'gi'), '$1<secret>'],
  [/(\s-u\s+|--user[ =])[^\s:]+:\S+/g, '$1<secret>'],
];

/** A version such as 1.2.3.4 is no address. */
const IP_ADDRESSES: readonly Pattern[] = [
  [/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, '<ip>'],
  [/(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])/gi, '<ip>'],
  [/(?<![\w:])(?=[0-9a-f:]*\d)(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])/gi, '<ip>'],
];

const TEXTS: readonly Pattern[] = [
  [/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi, '<url>'],
  [/[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi, '<email>'],
  ...SECRETS,
];

const PATTERNS: readonly Pattern[] = [...TEXTS, ...IP_ADDRESSES];

/** Keys, and names of labels, whose values identify a version or a change. Two of them must not become the same. */
const IDENTIFIES = /(?:^|_)(?:versions?|id|ids)$|^(?:from|to|superseded_by|rolled_back_to|image|tag)$/;

const replaced = (text: string, patterns: readonly Pattern[]): string =>
  patterns.reduce((left, [pattern, instead]) => left.replaceAll(pattern, instead), text);

const cleaned = (text: string, key: string): string => replaced(text, IDENTIFIES.test(key) ? TEXTS : PATTERNS);

/** Removes credentials from an address, and leaves the rest. */
export const withoutSecrets = (url: string): string => replaced(url, [[/^(https?:\/\/)[^/?#@]*@/gi, '$1'], ...SECRETS]);

/**
 * Removes people, addresses, and secrets from what was recorded of an incident. What a policy depends on stays: labels,
 * times, versions, and measured values. The same person has the same number everywhere.
 */
export function redacted<T extends object>(recorded: T): T {
  const people = new Map<string, string>();
  const person = (name: string): string => {
    const pseudonym = people.get(name) ?? `person-${people.size + 1}`;
    people.set(name, pseudonym);
    return pseudonym;
  };
  const redactedValue = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') {
      if (NAMES.has(key) && !NO_PERSON.has(value)) return person(value);
      return DROPPED.has(key) ? '' : IS_SECRET.test(key) && value !== '' ? '<secret>' : cleaned(value, key);
    }
    if (Array.isArray(value)) {
      if (DROPPED.has(key)) return [];
      const pair: readonly unknown[] = value;
      const [name, label] = pair;
      // Labels are pairs of a name and a value.
      if (LABEL_LISTS.has(key) && typeof name === 'string' && typeof label === 'string' && pair.length === 2)
        return [cleaned(name, ''), redactedValue(label, labelKey(name))];
      return value.map((element) =>
        redactedValue(element, NAMES.has(key) || IDENTIFIES.test(key) || LABEL_LISTS.has(key) ? key : ''),
      );
    }
    if (typeof value !== 'object' || value === null) return value;
    const isByPerson = 'by' in value && value.by === 'person';
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        isByPerson && name === 'name' && typeof inner === 'string' && inner !== ''
          ? person(inner)
          : name === 'url' && inner !== null
            ? null
            : redactedValue(inner, name),
      ]),
    );
  };
  return redactedValue(recorded) as T;
}
