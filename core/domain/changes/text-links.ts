/** A part of a text: words, or a link. */
export type TextPart = string | { url: string; text: string };

const HTML_LINK = /<a\s(?<attributes>[^<>]*)>(?<text>[^<>]*)(?:<\/a>)?/gi;
const HREF = /href=["']?(https?:\/\/[^"'\s<>]+)/i;
/** A link in Markdown, possibly with a title. */
const MARKDOWN_LINK = /\[(?<text>[^[\]]*)\]\(<?(?<url>[^\s()<>]+)>?(?:\s[^()]*)?\)/g;

/** A link as `withSlackLinks` and Slack write it, or a URL. */
const LINKS = /<(?<linked>https?:\/\/[^\s<>|]+)(?:\|(?<text>[^<>]*))?>|(?<bare>https?:\/\/[^\s<>"]+)/gi;
/** Punctuation of the sentence after a URL. A closing bracket belongs to it if it has an opening one. */
const AFTER_URL = /(?<![.,;:!?'"])[.,;:!?'"]+$/;
const AFTER_URL_IN_BRACKETS = /(?<![.,;:!?'")\]])[.,;:!?'")\]]+$/;

/** Returns a text in which links of HTML and Markdown are as Slack writes them: `<URL|text>`. */
export function withSlackLinks(marked: string): string {
  const link = (url: string | undefined, text = ''): string =>
    url === undefined ? text : `<${url.replaceAll('|', '%7C')}|${text}>`;
  return marked
    .replaceAll(HTML_LINK, (_, attributes: string, text: string) => link(HREF.exec(attributes)?.[1], text))
    .replaceAll(/<\/a>/gi, '')
    .replaceAll(MARKDOWN_LINK, (_, text: string, url: string) => link(/^https?:/i.test(url) ? url : undefined, text));
}

/** Returns the words and the links of a text with URLs and the links of Slack. Punctuation after a URL is no part of it. */
export function linkedParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let read = 0;
  for (const found of text.matchAll(LINKS)) {
    const { linked, text: label, bare = '' } = found.groups ?? {};
    const url = linked ?? bare.replace(bare.includes('(') ? AFTER_URL : AFTER_URL_IN_BRACKETS, '');
    parts.push(text.slice(read, found.index), { url, text: label || url });
    read = found.index + (linked === undefined ? url.length : found[0].length);
  }
  return [...parts, text.slice(read)].filter((part) => part !== '');
}

/** Returns a text in which links have only their text, or their URL if they have none. */
export const withoutLinks = (text: string): string =>
  linkedParts(text)
    .map((part) => (typeof part === 'string' ? part : part.text))
    .join('');
