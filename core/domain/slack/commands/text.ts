/** Parsing of text as Slack sends it: mentions and links in angle brackets; `&`, `<`, and `>` escaped. */

import { REVISION } from '../../changes/version-identity.ts';
import { visibleText } from '../../../../schemas/parsing/free-text.ts';
import { truncated } from '../../../../schemas/parsing/text.ts';

/** Maximum length of a text in UTF-16 code units; longer texts are truncated. */
const TEXT_MAX_CHARS = 3000;

const QUOTES = '"“”„';

/** A version, with or without its revision: `6.4`, `6.4 (3f2a91c)`. */
const VERSION = String.raw`\S+(?: ${REVISION.source}(?!\S))?`;

const wordPattern = (unquoted: string): RegExp =>
  new RegExp(`[${QUOTES}]([^${QUOTES}]*)[${QUOTES}]?|<[^<>]*>|${unquoted}`, 'gi');

const WORD = wordPattern(String.raw`\S+`);
const WORD_OR_VERSION = wordPattern(VERSION);

/** A word or quoted phrase; `at`: its start. */
export type Word = { text: string; at: number };

/** @param versions whether a version with its revision is one word */
export const wordsOf = (line: string, { versions = false } = {}): Word[] =>
  [...line.matchAll(versions ? WORD_OR_VERSION : WORD)].map(({ 0: raw, 1: quoted, index }) => ({
    text: quoted ?? raw,
    at: index,
  }));

/**
 * Separates the `name=value` arguments from a line. If a name occurs twice, the last value counts. `to` and `version` are
 * versions, possibly with their revision.
 */
export function namedArgumentsIn(line: string, names: readonly string[]): { line: string; named: Map<string, string> } {
  const named = new Map<string, string>();
  if (names.length === 0) return { line, named };
  const pattern = new RegExp(
    `(?<=^|\\s)(${names.join('|')})=(?:[${QUOTES}]([^${QUOTES}]*)[${QUOTES}]?|((?<=(?:to|version)=)${VERSION}|\\S*))`,
    'gi',
  );
  const rest = line.replaceAll(pattern, (_whole, name: string, quoted?: string, bare?: string) => {
    named.set(name.toLowerCase(), visibleText(withoutLinks(quoted ?? bare ?? '')));
    return '';
  });
  return { line: rest.trim(), named };
}

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&' };

/**
 * Converts to plain text, empty if nothing of it is visible: `<@U1|ada>` becomes `@ada`, `<https://x.example|x>` becomes `x (https://x.example)`.
 *
 * @param names names of users mentioned without one, by user ID
 * @see https://docs.slack.dev/messaging/formatting-message-text, "Retrieving formatted messages"
 */
export function plainText(text: string, names: ReadonlyMap<string, string> = new Map()): string {
  const plain = text.replaceAll(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_whole, target: string, label?: string) =>
    mention(target, label || names.get(target.slice(1))),
  );
  return truncated(
    visibleText(plain.replaceAll(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity)),
    TEXT_MAX_CHARS,
  );
}

function mention(target: string, label: string | undefined): string {
  if (target.startsWith('@')) return `@${label ?? target.slice(1)}`;
  if (target.startsWith('#')) return `#${label ?? target.slice(1)}`;
  if (target.startsWith('!')) return label ?? `@${target.slice(1).split('^')[0] ?? ''}`;
  const bare = target.replace(/^(?:https?:\/\/|mailto:)/, '');
  return label === undefined || label === target || label === bare ? target : `${label} (${target})`;
}

/** Returns text with addresses as they were written: Slack makes `<http://web.example|web.example>` of `web.example`. */
export const withoutLinks = (text: string): string =>
  text.replaceAll(/<(?:https?:\/\/|mailto:)[^<>|]*\|([^<>]+)>/g, '$1');

/** Returns the IDs of users who are mentioned without a name. */
export const namelessUsersIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/<@([UW][A-Z0-9]{2,30})\|?>/g)].flatMap(([, id]) => id ?? [])),
];

/** Returns the user ID in `<@U024BE7LH|ada>`; undefined: not a mention. */
export const userIn = (word: string): string | undefined => /^<@([UW][A-Z0-9]{2,30})(?:\|[^<>]*)?>$/.exec(word)?.[1];
