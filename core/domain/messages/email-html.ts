import { type ChatMessage, type ChatPart, type Span, type Text, utcWords } from './chat-message.ts';
import { BRAND, type ColorName, COLORS, FONT, MONO_FONT } from './identity.ts';
import { withoutCredentials } from '../redaction/credentials.ts';
import { plainOf } from './plain-text.ts';

/**
 * Formats a message as HTML for email. It loads nothing, because mail clients block images, and needs no style sheet, because
 * some remove it: the style sheet only has the colors of dark mode, which replace those of the elements.
 */
export function emailHtmlOf(message: ChatMessage): string {
  const { summary, parts } = withoutCredentials(message); // before escapes, which can hide a credential
  const title = quoted(typeof summary === 'string' ? summary : plainOf(summary));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
<style>${DARK}</style>
</head>
<body class="ground" style="margin:0;padding:0;${ground('ground')}${color('text')}font-family:${FONT};font-size:16px;line-height:1.5">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="ground" style="${ground('ground')}"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="surface line" style="max-width:600px;text-align:left;border:1px solid ${COLORS.line[0]};border-radius:8px;${ground('surface')}">
<tr><td style="padding:16px 24px 0">${BRAND_LINE}</td></tr>
<tr><td class="text" style="padding:0 24px 20px;overflow-wrap:anywhere;word-break:break-word;${color('text')}">
${parts.map(partHtml).filter(Boolean).join('\n')}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
`;
}

const ground = (name: ColorName): string => `background-color:${COLORS[name][0]};`;
const color = (name: ColorName): string => `color:${COLORS[name][0]};`;

const DARK = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media(prefers-color-scheme:dark){.ground{background-color:${COLORS.ground[1]}!important}.surface{background-color:${COLORS.surface[1]}!important}.line{border-color:${COLORS.line[1]}!important}.text{color:${COLORS.text[1]}!important}.quiet{color:${COLORS.quiet[1]}!important}.raised{background-color:${COLORS.raised[1]}!important}a{color:${COLORS.link[1]}!important}}`;

const stone = (width: number): string =>
  `<td width="${width}" height="5" style="width:${width}px;height:5px;background-color:#ffffff;font-size:0;line-height:0">&nbsp;</td>`;
const row = (...widths: number[]): string =>
  `<table role="presentation" cellpadding="0" cellspacing="2" border="0"><tr>${widths.map(stone).join('')}</tr></table>`;

/** The mark without an image, and the name. */
const BRAND_LINE = `<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td aria-hidden="true" style="padding:5px 3px;border-radius:6px;background-color:${BRAND}">${row(7, 7)}${row(4, 10)}</td><td class="text" style="padding-left:10px;font-weight:700;${color('text')}">Firebreak</td></tr></table>`;

function partHtml(part: ChatPart): string {
  switch (part.kind) {
    case 'header':
      return `<h1 class="text" style="margin:16px 0 0;font-size:20px;line-height:1.3;font-weight:600;${color('text')}">${escaped(part.text)}</h1>`;
    case 'text':
      return textHtml(part.text);
    case 'fields':
      return `<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:18px 0 0;font-size:14px">${part.fields.map(fieldHtml).join('')}</table>`;
    case 'note':
      return part.text.length === 0
        ? ''
        : `<p class="quiet" style="margin:18px 0 0;font-size:13px;${color('quiet')}">${spansHtml(part.text)}</p>`;
    case 'line':
      return `<hr class="line" style="margin:18px 0 0;border:0;border-top:1px solid ${COLORS.line[0]}">`;
    case 'buttons':
      return '';
  }
}

const fieldHtml = ({ name, value }: { name: string; value: Text }): string =>
  `<tr><td class="quiet" style="padding:2px 16px 2px 0;vertical-align:top;${color('quiet')}">${escaped(name)}</td><td class="text" style="padding:2px 0;vertical-align:top;${color('text')}">${spansHtml(value)}</td></tr>`;

/** Returns a paragraph. Bold words on a line of their own at its start are its heading. */
function textHtml(text: Text): string {
  const [first, second, ...rest] = text;
  if (first === undefined) return '';
  const isHeading =
    typeof first === 'object' && 'bold' in first && typeof second === 'string' && second.startsWith('\n');
  const body = isHeading ? [second.slice(1), ...rest] : text;
  const heading = isHeading
    ? `<h2 class="quiet" style="margin:20px 0 2px;font-size:13px;font-weight:600;${color('quiet')}">${escaped(first.bold)}</h2>\n`
    : '';
  return `${heading}<p class="text" style="margin:${isHeading ? '0' : '14px 0 0'};${color('text')}">${spansHtml(body)}</p>`;
}

const spansHtml = (text: Text): string => text.map(spanHtml).join('').trim();

function spanHtml(span: Span): string {
  if (typeof span === 'string') return escaped(span);
  if ('bold' in span) return `<strong>${escaped(span.bold)}</strong>`;
  if ('code' in span)
    return `<code class="raised" style="padding:1px 4px;border-radius:4px;font-family:${MONO_FONT};font-size:14px;${ground('raised')}">${escaped(span.code)}</code>`;
  if ('at' in span) return utcWords(span);
  if ('link' in span)
    return /^https?:\/\//i.test(span.link)
      ? `<a href="${quoted(span.link)}" style="${color('link')}">${escaped(span.text)}</a>`
      : escaped(span.text);
  if ('channel' in span) return escaped(`#${span.channel}`);
  return escaped(`@${'user' in span ? span.user : span.group}`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Returns text for an attribute or the title, where elements are not possible. */
const quoted = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);

const escaped = (text: string): string => quoted(text).replaceAll('\n', '<br>');
