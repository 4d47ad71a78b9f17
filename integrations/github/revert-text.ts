import { truncate } from '../text.ts';
import { BODY_MAX_CHARS, TITLE_MAX_CHARS } from './limits.ts';

/** By it a commit of ours is found again. */
const trailer = (key: string): string => `Firebreak-Key: ${key}`;

/** The trailer is the last line, so that nothing in the body can be one. */
export const commitMessage = ({ title, body, key }: { title: string; body: string; key: string }): string =>
  [titleOf(title), plain(truncate(body.trim(), BODY_MAX_CHARS)), trailer(key)]
    .filter((part) => part !== '')
    .join('\n\n');

export const carriesKey = (message: string, key: string): boolean =>
  message.trimEnd().split(/\r?\n/).at(-1) === trailer(key);

/** One line, shown as it is: no Markdown, but mentions and references. */
export const titleOf = (title: string): string =>
  truncate(plain(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()), TITLE_MAX_CHARS);

/**
 * A message closes issues and calls people by what looks like a reference or a mention, wherever it came from; a joiner
 * that nobody sees makes text of it.
 * @see https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
 */
const plain = (text: string): string =>
  text.replaceAll(/(?<=[@#]|\bGH-|\/(?:issues|pull|discussions)\/)(?=\w)/gi, '\u2060');

/** The same branch for the same key. @see https://git-scm.com/docs/git-check-ref-format */
export const branchOf = (key: string): string =>
  `firebreak/${key.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '')}`;
