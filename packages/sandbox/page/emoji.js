import { h, s } from './dom.js';

/**
 * The emoji that Firebreak uses, drawn as SVG, so that they look the same on every machine, even without emoji fonts.
 * All other emoji are rendered by fonts.
 */

/** @typedef {{ name: string; shapes: readonly [tag: string, attributes: Record<string, string | number>][] }} Drawing */

/** @param {string} name @param {string} fill @returns {Drawing} */
const disc = (name, fill) => ({ name, shapes: [['circle', { cx: 10, cy: 10, r: 8.5, fill }]] });

/**
 * A white symbol on a rounded square.
 *
 * @param {string} name
 * @param {string} fill
 * @param {string} d
 * @returns {Drawing}
 */
const key = (name, fill, d) => ({
  name,
  shapes: [
    ['rect', { x: 1, y: 1, width: 18, height: 18, rx: 4, fill }],
    [
      'path',
      { d, fill: 'none', stroke: '#fff', 'stroke-width': 2.2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' },
    ],
  ],
});

/** A single filled shape. @param {string} name @param {string} fill @param {string} d @returns {Drawing} */
const shape = (name, fill, d) => ({ name, shapes: [['path', { d, fill, 'fill-rule': 'evenodd' }]] });

/** Strokes only. @param {string} name @param {string} stroke @param {string} d @returns {Drawing} */
const lines = (name, stroke, d) => ({
  name,
  shapes: [
    ['path', { d, fill: 'none', stroke, 'stroke-width': 2.2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }],
  ],
});

const TICK = 'M5.5 10.5l3 3 6-7';
const THUMB = 'M2 9h3.5v9H2zM7 9l3.2-7c1.7 0 2.6 1.2 2.2 3l-.6 2.6h4.4c1.3 0 2 1 1.8 2.2l-1.2 6.2c-.2 1.2-1 2-2.3 2H7z';

/** @type {ReadonlyMap<string, Drawing>} */
const DRAWINGS = new Map([
  ['🔴', disc('red circle', '#dd2e44')],
  ['🟠', disc('orange circle', '#f4900c')],
  ['🟡', disc('yellow circle', '#fdcb58')],
  ['🟢', disc('green circle', '#78b159')],
  ['🔵', disc('blue circle', '#55acee')],
  ['✅', key('check mark', '#3f9f4f', TICK)],
  ['⏪', key('rewind', '#3b82c4', 'M9.5 5.5L5 10l4.5 4.5M15 5.5L10.5 10l4.5 4.5')],
  ['📟', key('pager', '#46525e', 'M5 6.5h10v4H5zM5.5 14h1M9.5 14h1M13.5 14h1')],
  ['📝', key('memo', '#c98a1b', 'M6 6h8M6 10h8M6 14h4.5')],
  ['📌', shape('pushpin', '#dd2e44', 'M7 2h6v2l-1 1v4l3 3v2h-4v5l-1 1-1-1v-5H5v-2l3-3V5L7 4z')],
  [
    '📖',
    key(
      'open book',
      '#3b82c4',
      'M10 6.5C8.5 5.3 6.5 5 4.5 5v9c2 0 4 .3 5.5 1.5 1.5-1.2 3.5-1.5 5.5-1.5V5c-2 0-4 .3-5.5 1.5zM10 6.5v9',
    ),
  ],
  ['⏰', key('alarm clock', '#cd3d4f', 'M10 5v5.2l3.5 2.3')],
  ['⏸', key('pause', '#3b82c4', 'M7.5 6v8M12.5 6v8')],
  ['▶', key('play', '#3b82c4', 'M7.5 5.5v9l7-4.5z')],
  ['📣', shape('megaphone', '#cd3d4f', 'M2 8h3l9-5v14l-9-5H2zM16 8c1.6.7 1.6 3.3 0 4zM5 13h3l1 5H6z')],
  ['🚩', shape('flag', '#dd2e44', 'M4 1h2v1l10 3-10 4v10H4z')],
  ['👤', shape('person', '#5b6b7b', 'M10 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM2 18c0-4 3.5-6 8-6s8 2 8 6z')],
  [
    '🛠',
    lines(
      'tools',
      '#5b6b7b',
      'M4 16L12 8M12 8a3.4 3.4 0 0 1 4.5-4.500L14.2 5.800l1 1L17.5 4.500A3.4 3.4 0 0 1 13 9M4 4l3 3M13 13l3.5 3.5',
    ),
  ],
  ['❄', lines('snowflake', '#4a9fd8', 'M10 2v16M3 6l14 8M17 6L3 14M7.5 3L10 5.5 12.5 3M7.5 17L10 14.5 12.5 17')],
  ['🔎', lines('magnifying glass', '#5b6b7b', 'M12 3a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM8.3 11.700L3 17')],
  [
    '✋',
    shape(
      'raised hand',
      '#e8a33d',
      'M5 9V4.500a1 1 0 0 1 2 0V9h.600V2.500a1 1 0 0 1 2 0V9h.600V3a1 1 0 0 1 2 0v6.300h.600V5a1 1 0 0 1 2 0v8c0 3.5-2 6-5 6s-4.5-2-5.5-4l-2-4c0-1.5 1-1.5 1.7-.700z',
    ),
  ],
  [
    '🙅',
    shape(
      'no',
      '#e8a33d',
      'M10 1.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM5 6.500L8.5 10 5 13.5 6.5 15 10 11.5 13.5 15 15 13.5 11.5 10 15 6.5 13.5 5 10 8.5 6.5 5z',
    ),
  ],
  [
    '👀',
    {
      name: 'eyes',
      shapes: [
        ['ellipse', { cx: 5.5, cy: 10, rx: 4, ry: 6, fill: '#fff', stroke: '#5b6b7b', 'stroke-width': 1.5 }],
        ['ellipse', { cx: 14.5, cy: 10, rx: 4, ry: 6, fill: '#fff', stroke: '#5b6b7b', 'stroke-width': 1.5 }],
        ['circle', { cx: 6.5, cy: 11, r: 2, fill: '#26303a' }],
        ['circle', { cx: 15.5, cy: 11, r: 2, fill: '#26303a' }],
      ],
    },
  ],
  [
    '🔥',
    shape('fire', '#f4900c', 'M10 1c1 4 6 6 6 11a6 6 0 0 1-12 0c0-3 2-4 2.5-6.5C8 7 8.5 8 8.5 9.5 10 8 10.5 4 10 1z'),
  ],
  ['👍', shape('thumbs up', '#e8a33d', THUMB)],
  ['👎', { name: 'thumbs down', shapes: [['path', { d: THUMB, fill: '#e8a33d', transform: 'rotate(180 10 10)' }]] }],
  [
    '✔',
    {
      name: 'check mark',
      shapes: [['path', { d: TICK, fill: 'none', stroke: '#3f9f4f', 'stroke-width': 2.8, 'stroke-linecap': 'round' }]],
    },
  ],
  [
    '⚠',
    {
      name: 'warning',
      shapes: [
        [
          'path',
          { d: 'M10 2l9 16H1z', fill: '#ffcc4d', stroke: '#ffcc4d', 'stroke-width': 1.5, 'stroke-linejoin': 'round' },
        ],
        ['path', { d: 'M10 7.5v5M10 15.3v.2', stroke: '#3b3222', 'stroke-width': 2, 'stroke-linecap': 'round' }],
      ],
    },
  ],
  [
    '🧭',
    {
      name: 'compass',
      shapes: [
        ['circle', { cx: 10, cy: 10, r: 8.5, fill: '#5b6b7b' }],
        ['path', { d: 'M14 6l-2.5 5.5L6 14l2.5-5.5z', fill: '#fff' }],
      ],
    },
  ],
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

/**
 * Draws an emoji, and includes its character for copying the text.
 *
 * @param {string} character
 * @param {Drawing} drawing
 */
const emoji = (character, { name, shapes }) =>
  h(
    'span',
    { class: 'emoji', role: 'img', 'aria-label': name },
    s(
      'svg',
      { viewBox: '0 0 20 20', 'aria-hidden': true },
      shapes.map(([tag, attributes]) => s(tag, attributes)),
    ),
    h('span', { class: 'unseen', 'aria-hidden': true }, character),
  );
