import { h, link } from '../dom.js';
import { withEmoji } from '../emoji.js';

/**
 * Slack's mrkdwn as HTML elements.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text
 */

/**
 * The context of a text or a block.
 *
 * @typedef {{
 *   name(id: string): string | undefined;
 *   people: readonly { id: string; name: string }[];
 *   channels: readonly { id: string; name: string }[];
 *   state?: Record<string, Record<string, unknown>>;
 *   suggested?(block: string, action: string): readonly unknown[];
 * }} TextContext `name`: returns the name of a channel or person; `state`: the selections in a modal;
 *   `suggested`: the options of a menu
 */

/** @typedef {{ pattern: RegExp; show: (match: RegExpExecArray, context: TextContext) => import('../dom.js').Pieces }} Rule */

/** Matches formatting, which starts and ends at word boundaries. @param {string} mark */
const pair = (mark) =>
  new RegExp(`(?<![\\p{L}\\p{N}${mark}])${mark}(?=\\S)([^${mark}\\n]+?)(?<=\\S)${mark}(?![\\p{L}\\p{N}${mark}])`, 'u');

/** @param {string} tag @param {string} mark @returns {Rule} */
const styled = (tag, mark) => ({
  pattern: pair(mark),
  show: ([, inside = ''], context) => h(tag, {}, inline(inside, context)),
});

/**
 * Rules in order of precedence. Formatting that can contain other formatting comes last; code is shown unchanged.
 *
 * @type {readonly Rule[]}
 */
const RULES = [
  { pattern: /```\n?([\s\S]+?)\n?```/, show: ([, code = '']) => h('pre', {}, h('code', {}, unescaped(code))) },
  { pattern: /`([^`\n]+)`/, show: ([, code = '']) => h('code', {}, unescaped(code)) },
  { pattern: /<([^<>\n]+)>/, show: ([, inside = ''], context) => reference(inside, context) },
  styled('strong', '\\*'),
  styled('em', '_'),
  styled('del', '~'),
];

/**
 * @param {string} text
 * @param {TextContext} context
 * @returns {import('../dom.js').Pieces}
 */
export const mrkdwn = (text, context) =>
  quotedParts(text).map(({ quoted, body }) => {
    const shown = inline(body, context);
    return quoted ? h('blockquote', {}, shown) : shown;
  });

/**
 * Splits a text into quoted and other lines. Quoted lines start with `>` (escaped, as in all text).
 *
 * @param {string} text
 */
function quotedParts(text) {
  /** @type {{ quoted: boolean; body: string }[]} */
  const parts = [];
  for (const line of text.split('\n')) {
    const quoted = line.startsWith('&gt;');
    const body = quoted ? line.replace(/^&gt; ?/, '') : line;
    const last = parts.at(-1);
    if (last?.quoted === quoted) last.body += `\n${body}`;
    else parts.push({ quoted, body });
  }
  return parts;
}

/**
 * @param {string} text
 * @param {TextContext} context
 * @param {readonly Rule[]} rules
 * @returns {import('../dom.js').Pieces}
 */
function inline(text, context, rules = RULES) {
  const [rule, ...rest] = rules;
  if (!rule) return withEmoji(unescaped(text));
  const match = rule.pattern.exec(text);
  if (!match) return inline(text, context, rest);
  return [
    inline(text.slice(0, match.index), context, rest),
    rule.show(match, context),
    inline(text.slice(match.index + match[0].length), context, rules),
  ];
}

/**
 * Renders the text between `<` and `>`: a link, a channel, a person, or a group mention.
 *
 * @param {string} inside
 * @param {TextContext} context
 */
function reference(inside, context) {
  const [target = '', ...words] = inside.split('|');
  const label = words.join('|');
  const id = target.slice(1);
  switch (target[0]) {
    case '#':
      return channel(id, context.name(id) ?? (label || 'unknown'));
    case '@':
      return h('span', { class: 'mention' }, `@${unescaped(context.name(id) ?? (label || id))}`);
    case '!':
      if (target.startsWith('!date^')) return date(target, label);
      return h('span', { class: 'mention' }, unescaped(label || `@${id}`));
    case undefined:
    default:
      return link(unescaped(target), withEmoji(unescaped(label || target)));
  }
}

/** Slack's date tokens that Firebreak uses. @type {Readonly<Record<string, Intl.DateTimeFormatOptions>>} */
const DATE_TOKENS = {
  '{date_short_pretty}': { year: 'numeric', month: 'short', day: 'numeric' },
  '{time}': { hour: 'numeric', minute: '2-digit' },
  '{time_secs}': { hour: 'numeric', minute: '2-digit', second: '2-digit' },
};

/**
 * Renders a date such as `!date^1392734382^{date_short_pretty} {time}` in the reader's time zone.
 *
 * @param {string} target
 * @param {string} label
 */
function date(target, label) {
  const [, seconds = '', form = ''] = target.split('^');
  const at = new Date(Number(seconds) * 1000);
  if (form === '' || Number.isNaN(at.getTime())) return unescaped(label);
  const shown = form.replaceAll(/\{\w+\}/g, (token) => at.toLocaleString([], DATE_TOKENS[token] ?? {}));
  return h('time', { datetime: at.toISOString(), title: unescaped(label) }, shown);
}

/** @param {string} id @param {string} name */
const channel = (id, name) =>
  h('button', { type: 'button', class: 'mention', 'data-act': 'channel', 'data-id': id }, `#${name}`);

/** Reverts the escaping of the three characters that Slack escapes. @param {string} text */
export const unescaped = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
