import { truncate } from '../../shared/text.ts';
import { BODY_MAX_CHARS, TITLE_MAX_CHARS } from '../limits.ts';

/** Returns the trailer by which Firebreak finds its own commits. */
const trailer = (key: string): string => `Firebreak-Key: ${key}`;

/** Returns the commit message. The trailer is the last line, so that nothing in the body can imitate it. */
export const commitMessage = ({ title, body, key }: { title: string; body: string; key: string }): string =>
  [titleOf(title), withoutMentions(truncate(body.trim(), BODY_MAX_CHARS)), trailer(key)]
    .filter((part) => part !== '')
    .join('\n\n');

export const hasKey = (message: string, key: string): boolean =>
  message.trimEnd().split(/\r?\n/).at(-1) === trailer(key);

/** Returns a title on one line. GitHub shows it as plain text, but resolves mentions and references. */
export const titleOf = (title: string): string =>
  truncate(withoutMentions(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()), TITLE_MAX_CHARS);

/**
 * Disables mentions and references with an invisible joiner. Otherwise GitHub would notify people and close issues for
 * any text that looks like one.
 * @see https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
 */
const withoutMentions = (text: string): string =>
  text.replaceAll(/(?<=[@#]|\bGH-|\/(?:issues|pull|discussions)\/)(?=\w)/gi, '\u2060');

/**
 * Returns the branch name for a key.
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export const revertBranchOf = (key: string): string =>
  `firebreak/${key.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|(?<!-)-+$/g, '')}`;
