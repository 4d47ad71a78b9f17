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
 *
 * @param names of users who are mentioned without one, by their ids
 * @see https://docs.slack.dev/messaging/formatting-message-text, "Retrieving formatted messages"
 */
export function plainText(text: string, names: ReadonlyMap<string, string> = new Map()): string {
  const told = text.replaceAll(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_whole, target: string, label?: string) =>
    mention(target, label || names.get(target.slice(1))),
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

/** Ids of the users whom a text mentions without saying what they are called. */
export const namelessUsersIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/<@([UW][A-Z0-9]{2,30})\|?>/g)].flatMap(([, id]) => id ?? [])),
];

/** The id in `<@U024BE7LH|ada>`; undefined: it mentions nobody. */
export const userIn = (word: string): string | undefined => /^<@([UW][A-Z0-9]{2,30})(?:\|[^<>]*)?>$/.exec(word)?.[1];
