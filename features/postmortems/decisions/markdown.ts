import type { Section } from '../schemas/postmortem.ts';

/*
 * The text of a post-mortem: a title, an introduction, and sections. The Markdown is stored as it was written. This file
 * reads its parts, and writes parts as Markdown from which the same parts are read.
 */

/** The parts of a text. */
export type PostmortemText = { title: string; introduction: string; sections: readonly Section[] };

/** A line of a text. `inCode`: it is inside a block of code, where nothing is a heading. */
export type TextLine = { line: string; inCode: boolean };

const TITLE = /^# ([^]*)$/;
const SECTION = /^## ([^]*)$/;

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;

/** Returns the lines of a text. */
export function linesOf(text: string): TextLine[] {
  let fence: string | null = null;
  return text.split('\n').map((line): TextLine => {
    if (fence === null) {
      fence = FENCE.exec(line)?.[1] ?? null;
      return { line, inCode: false };
    }
    if (isClosingFence(fence, line)) fence = null;
    return { line, inCode: true };
  });
}

function isClosingFence(fence: string, line: string): boolean {
  const closing = line.trim();
  return closing.length >= fence.length && closing.replaceAll(fence.charAt(0), '') === '' && /^ {0,3}\S/.test(line);
}

/** Returns whether a block of code in the text has no end, so that it would contain everything that follows. */
export const hasOpenFence = (text: string): boolean => linesOf(`${text}\n`).at(-1)?.inCode === true;

/** Writes parts as Markdown. Only the last part may have an open fence. */
export const markdownOf = ({ title, introduction, sections }: PostmortemText): string =>
  [
    `# ${title}\n`,
    introduction === '' ? '' : `\n${escapedHeadings(introduction)}\n`,
    ...sections.map(({ heading, text }) => `\n## ${heading}\n${text === '' ? '' : `\n${escapedHeadings(text)}\n`}`),
  ].join('');

/** Reads the parts. A text that does not begin with a title has an empty one. */
export function partsOf(markdown: string): PostmortemText {
  const lines = linesOf(markdown.endsWith('\n') ? markdown.slice(0, -1) : markdown);
  const starts = lines.flatMap(({ line, inCode }, at) => (!inCode && SECTION.test(line) ? [at] : []));
  const firstSectionAt = starts[0] ?? lines.length;
  const titleAt = lines.findIndex(({ line }) => line.trim() !== '');
  const title = titleAt === -1 || titleAt >= firstSectionAt ? undefined : TITLE.exec(lines[titleAt]?.line ?? '')?.[1];
  const textIn = (from: number, until: number): string => textOf(lines.slice(from, until), until < lines.length);
  return {
    title: title?.trim() ?? '',
    introduction: textIn(title === undefined ? 0 : titleAt + 1, firstSectionAt),
    sections: starts.map((start, n) => ({
      heading: SECTION.exec(lines[start]?.line ?? '')?.[1]?.trim() ?? '',
      text: textIn(start + 1, starts[n + 1] ?? lines.length),
    })),
  };
}

/** Returns the text of lines without the empty lines that separate it from the headings around it. */
function textOf(lines: readonly TextLine[], isFollowed: boolean): string {
  const texts = lines.map(({ line, inCode }) => (inCode ? line : line.replace(/^\\(?=\\*## )/, '')));
  if (texts[0] === '') texts.shift();
  if (isFollowed && texts.at(-1) === '') texts.pop();
  return texts.join('\n');
}

const escapedHeadings = (text: string): string =>
  linesOf(text)
    .map(({ line, inCode }) => (!inCode && /^\\*## /.test(line) ? `\\${line}` : line))
    .join('\n');

/**
 * Escapes a text that others have written, such as an alert's title, so that it is shown as it is: no links, images,
 * HTML, or emphasis. Line breaks become spaces; control characters and those that change the direction are removed.
 */
export const escaped = (text: string): string =>
  text
    .replaceAll(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '')
    .trim()
    .replaceAll(/[\\`*[\]<>|~#]/g, '\\$&')
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_');
