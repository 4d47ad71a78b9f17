import { h, s } from '../dom.js';
import { counted } from '../time.js';

/** @typedef {import('../../prometheus/prometheus.ts').PrometheusView} PrometheusView */
/** @typedef {PrometheusView['series'][number]} Series */

const SERIES_SHOWN = 12;
const WIDTH = 120;
const HEIGHT = 28;

/** @param {PrometheusView} view */
export const prometheusTally = ({ series }) =>
  series.length === 0 ? '' : `the last minute of ${series.length} series`;

/** Shows each series that has samples as a line with its newest value, and the rules. @param {PrometheusView} view */
export const prometheus = ({ series, rules }) =>
  series.length === 0 && rules.length === 0
    ? h('p', { class: 'empty' }, 'No queries with samples.')
    : [
        rules.length > 0 && h('ul', { class: 'series' }, rules.map(rule)),
        h('ul', { class: 'series' }, series.slice(0, SERIES_SHOWN).map(line)),
        series.length > SERIES_SHOWN &&
          h('p', { class: 'quiet' }, `and ${counted(series.length - SERIES_SHOWN, 'more')}`),
      ];

/** @param {PrometheusView['rules'][number]} rule */
const rule = ({ name, query, state }) =>
  h(
    'li',
    { 'data-key': `rule ${name}`, 'data-glow': state },
    h('span', {}, h('b', {}, name), h('code', { class: 'quiet line' }, query)),
    h('span', { class: `state ${state === 'firing' ? 'bad' : state === 'pending' ? 'in_progress' : 'plain'}` }, state),
  );

/** @param {Series} one */
function line({ query, labels, samples }) {
  const values = samples.map(({ value }) => (value === null ? NaN : Number(value)));
  const name = Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(' ');
  const newest = samples.findLast(({ value }) => value !== null)?.value;
  return h(
    'li',
    { 'data-key': `${query} ${name}` },
    h('span', {}, h('code', {}, query), h('span', { class: 'quiet line' }, name)),
    s(
      'svg',
      { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': true },
      s('path', { d: path(values) }),
    ),
    h('b', { class: 'number' }, newest === undefined || newest === null ? '–' : Number(Number(newest).toPrecision(3))),
  );
}

/** Returns the drawing of a line from zero to its highest value, with a gap where there is no sample. @param {number[]} values */
function path(values) {
  const top = Math.max(Number.MIN_VALUE, ...values.filter(Number.isFinite));
  return values
    .map((value, i) => {
      if (!Number.isFinite(value)) return '';
      const [x, y] = [(i / (values.length - 1)) * WIDTH, HEIGHT - 2 - (value / top) * (HEIGHT - 4)];
      return `${Number.isFinite(values[i - 1] ?? NaN) ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
