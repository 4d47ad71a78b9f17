import { h, s } from './dom.js';

/**
 * The emoji that Firebreak uses, each as a symbol on a colored square, so that they look the same on every machine, even
 * without emoji fonts. All other emoji are rendered by fonts.
 *
 * @typedef {readonly [name: string, color: string, symbol: string]} Drawing
 * @type {ReadonlyMap<string, Drawing>}
 */
const DRAWINGS = new Map([
  ['🔴', ['red circle', '#dd2e44', '']],
  ['🟠', ['orange circle', '#f4900c', '']],
  ['🟡', ['yellow circle', '#fdcb58', '']],
  ['🟢', ['green circle', '#78b159', '']],
  ['🔵', ['blue circle', '#55acee', '']],
  ['✅', ['check mark', '#3f9f4f', 'M5.5 10.5l3 3 6-7']],
  ['✔', ['check mark', '#3f9f4f', 'M5.5 10.5l3 3 6-7']],
  ['⏪', ['rewind', '#3b82c4', 'M9.5 5.5L5 10l4.5 4.5M15 5.5L10.5 10l4.5 4.5']],
  ['📟', ['pager', '#46525e', 'M5 6.5h10v4H5zM5.5 14h1M9.5 14h1M13.5 14h1']],
  ['📝', ['memo', '#c98a1b', 'M6 6h8M6 10h8M6 14h4.5']],
  ['📌', ['pushpin', '#dd2e44', 'M7 5h6M8 5v5l-2 2h8l-2-2V5M10 12v4']],
  [
    '📖',
    [
      'open book',
      '#3b82c4',
      'M10 6.5c-1.5-1-3.5-1.5-5.5-1.5v9c2 0 4 .5 5.5 1.5 1.5-1 3.5-1.5 5.5-1.5V5c-2 0-4 .5-5.5 1.5zv9',
    ],
  ],
  ['⏰', ['alarm clock', '#cd3d4f', 'M10 5v5.2l3.5 2.3']],
  ['⏸', ['pause', '#3b82c4', 'M7.5 6v8M12.5 6v8']],
  ['▶', ['play', '#3b82c4', 'M7.5 5.5v9l7-4.5z']],
  ['📣', ['megaphone', '#cd3d4f', 'M5 8.5v3h2l7 4v-11l-7 4z']],
  ['🚩', ['flag', '#dd2e44', 'M6 16V4l8 3-8 3']],
  ['👤', ['person', '#5b6b7b', 'M10 4.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM5 16c0-3 2-4 5-4s5 1 5 4']],
  ['🛠', ['tools', '#5b6b7b', 'M5 15l7-7M11 5l4 4M5 5l10 10']],
  ['❄', ['snowflake', '#4a9fd8', 'M10 4v12M5 7l10 6M15 7L5 13']],
  ['🔎', ['magnifying glass', '#5b6b7b', 'M11.5 4.5a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM8.5 11.5L5 15']],
  ['✋', ['raised hand', '#e8a33d', 'M6.5 11V7M9 10V4.5M11.5 10V5M14 11V7M6.5 11c0 7 7.5 7 7.5 0']],
  ['🙅', ['no', '#e8a33d', 'M6 6l8 8M14 6l-8 8']],
  ['👀', ['eyes', '#5b6b7b', 'M4 10h5M11 10h5M6.5 8v4M13.5 8v4']],
  ['🔥', ['fire', '#f4900c', 'M10 4c.5 3 4 4.5 4 8a4 4 0 0 1-8 0c0-2 1.5-2.5 2-4']],
  ['👍', ['thumbs up', '#e8a33d', 'M10 15V5M6 9l4-4 4 4']],
  ['👎', ['thumbs down', '#e8a33d', 'M10 5v10M6 11l4 4 4-4']],
  ['⚠', ['warning', '#d99a00', 'M10 5v6M10 14.5v.2']],
  ['🧭', ['compass', '#5b6b7b', 'M14 6l-2.5 5.5L6 14l2.5-5.5z']],
]);

/** Matches an emoji with its variation selector, if there is one. */
const KNOWN = new RegExp(`(${[...DRAWINGS.keys()].join('|')})\\uFE0F?`, 'u');

/**
 * Returns a text with its emoji drawn.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export const withEmoji = (text) =>
  text.split(KNOWN).map((piece) => {
    const drawing = DRAWINGS.get(piece);
    return drawing ? emoji(piece, drawing) : piece;
  });

/** Draws an emoji, and includes its character for copying the text. @param {string} character @param {Drawing} drawing */
const emoji = (character, [name, fill, d]) =>
  h(
    'span',
    { class: 'emoji', role: 'img', 'aria-label': name },
    s(
      'svg',
      { viewBox: '0 0 20 20', 'aria-hidden': true },
      s('rect', { x: 1, y: 1, width: 18, height: 18, rx: d === '' ? 9 : 4, fill }),
      s('path', { d, fill: 'none', stroke: '#fff', 'stroke-width': 2, 'stroke-linecap': 'round' }),
    ),
    h('span', { class: 'unseen', 'aria-hidden': true }, character),
  );
