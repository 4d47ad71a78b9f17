/** What is typed into Slack, as Slack hands it on: mentions and links in angle brackets, `&`, `<` and `>` escaped. */

/** Longer ones have to be told elsewhere. UTF-16 units. */
const TEXT_MAX_CHARS = 3000;

const QUOTES = '"“”„';

const WORD = new RegExp(`[${QUOTES}]([^${QUOTES}]*)[${QUOTES}]?|<[^<>]*>|\\S+`, 'g');

/** A word, or what stands between quotes; `at`: where it begins. */
export type Word = { text: string; at: number };

export const wordsOf = (line: string): Word[] =>
  [...line.matchAll(WORD)].map(({ 0: raw, 1: quoted, index }) => ({ text: quoted ?? raw, at: index }));

/** A line without its `name=value`, and those. Of one that is there twice the last one counts. */
export function namedOf(line: string, names: readonly string[]): { line: string; named: Map<string, string> } {
  const named = new Map<string, string>();
  if (names.length === 0) return { line, named };
  const pattern = new RegExp(`(?<=^|\\s)(${names.join('|')})=(?:[${QUOTES}]([^${QUOTES}]*)[${QUOTES}]?|(\\S*))`, 'gi');
  const rest = line.replaceAll(pattern, (_whole, name: string, quoted?: string, bare?: string) => {
    named.set(name.toLowerCase(), (quoted ?? bare ?? '').trim());
    return '';
  });
  return { line: rest.trim(), named };
}

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&' };

/**
 * As a person would read it: `<@U1|ada>` is `@ada`, `<https://x.example|x>` is `x (https://x.example)`.
 * @see https://docs.slack.dev/messaging/formatting-message-text, "Retrieving formatted messages"
 */
export function plainText(text: string): string {
  const told = text.replaceAll(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_whole, target: string, label?: string) =>
    mention(target, label || undefined),
  );
  return told
    .replaceAll(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity)
    .trim()
    .slice(0, TEXT_MAX_CHARS)
    .toWellFormed();
}

function mention(target: string, label: string | undefined): string {
  if (target.startsWith('@')) return `@${label ?? target.slice(1)}`;
  if (target.startsWith('#')) return `#${label ?? target.slice(1)}`;
  if (target.startsWith('!')) return label ?? `@${target.slice(1).split('^')[0] ?? ''}`;
  const bare = target.replace(/^(?:https?:\/\/|mailto:)/, '');
  return label === undefined || label === target || label === bare ? target : `${label} (${target})`;
}

/** The id in `<@U024BE7LH|ada>`; undefined: it mentions nobody. */
export const userIn = (word: string): string | undefined => /^<@([UW][A-Z0-9]{2,30})(?:\|[^<>]*)?>$/.exec(word)?.[1];

const PART = /(\d{1,5}) ?(w|d|h|m)[a-z]*/gi;
const SECONDS: Readonly<Record<string, number>> = { w: 7 * 86_400, d: 86_400, h: 3600, m: 60 };

/** Seconds in `2h`, `30m`, `2h30m`, `1d`, `90min`; undefined: it is none. */
export function durationIn(word: string): number | undefined {
  if (!/^(?:\d{1,5}(?:w|weeks?|d|days?|h|hrs?|hours?|m|mins?|minutes?))+$/i.test(word)) return undefined;
  const seconds = [...word.matchAll(PART)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (SECONDS[(unit ?? '').toLowerCase()] ?? 0),
    0,
  );
  return seconds > 0 ? seconds : undefined;
}
