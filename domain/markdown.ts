/**
 * Foreign text for a Markdown that GitHub shows, as code within a line: there it makes neither mentions nor links nor
 * references nor HTML of it, and shows and copies what was meant. Escapes would not do: mentions and references are
 * looked for after they are undone. Line breaks become spaces, and what reorders a line (bidirectional controls) goes.
 *
 * @see https://github.github.com/gfm/#code-spans
 * @example code('page @ops, see #1') // '`page @ops, see #1`'
 */
export function code(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll(/\p{Bidi_Control}/gu, '');
  if (line.trim() === '') return '` `';
  const longest = line.matchAll(/`+/g).reduce((most, [run]) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  // One space on each side is taken away again; it is needed where the text begins or ends with a backtick or a space.
  const space = /^[` ]|[` ]$/.test(line) ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
}
