/**
 * Formats untrusted text as inline code for GitHub's Markdown: it then cannot contain mentions, links, references, or
 * HTML, and is displayed and copied unchanged. Escaping is not sufficient, because GitHub resolves mentions and
 * references after it removes escapes. Line breaks become spaces, and bidirectional control characters are removed.
 *
 * @see https://github.github.com/gfm/#code-spans
 * @example code('page @ops, see #1') // '`page @ops, see #1`'
 */
export function code(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll(/\p{Bidi_Control}/gu, '');
  if (line.trim() === '') return '` `';
  const longest = line.matchAll(/`+/g).reduce((most, [run]) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  // Markdown removes one space on each side; it is needed if the text starts or ends with a backtick or a space.
  const space = /^[` ]|[` ]$/.test(line) ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
}
