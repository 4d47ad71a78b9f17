import { isSecretName, LABEL_LISTS, MASK, withoutCredentials } from './credentials.ts';

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

/** Keys whose values are free text of people; no decision depends on them. */
const DROPPED: ReadonlySet<string> = new Set(['note', 'reason', 'commits']);

/** Returns the key by which the value of a label is redacted: its name if that marks a secret or an identifier, else ''. */
const labelKey = (name: string): string => (isSecretName(name) || IDENTIFIES.test(name) ? name : '');

type Pattern = readonly [pattern: RegExp, instead: string];

/** They also match versions such as 1.2.3.4, so they are not applied to values that identify a version or a change. */
const IP_ADDRESSES: readonly Pattern[] = [
  [/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, '<ip>'],
  [/(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])/gi, '<ip>'],
  [/(?<![\w:])(?=[0-9a-f:]*\d)(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])/gi, '<ip>'],
];

const TEXTS: readonly Pattern[] = [
  [/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi, '<url>'],
  [/[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi, '<email>'],
];

const PATTERNS: readonly Pattern[] = [...TEXTS, ...IP_ADDRESSES];

/** Keys, and names of labels, whose values identify a version or a change. Two of them must not become the same. */
const IDENTIFIES = /(?:^|_)(?:versions?|id|ids)$|^(?:from|to|rolled_back_to|image|tag)$/;

const replaced = (text: string, patterns: readonly Pattern[]): string =>
  patterns.reduce((left, [pattern, instead]) => left.replaceAll(pattern, instead), text);

const cleaned = (text: string, key: string): string =>
  replaced(withoutCredentials(text), IDENTIFIES.test(key) ? TEXTS : PATTERNS);

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
      return DROPPED.has(key) ? '' : isSecretName(key) && value !== '' ? MASK : cleaned(value, key);
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
          : name === 'url'
            ? null
            : redactedValue(inner, name),
      ]),
    );
  };
  return redactedValue(recorded) as T;
}
