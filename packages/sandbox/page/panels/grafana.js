import { lastTogether, roundTimes } from '../axis.js';
import { draw, h, s } from '../dom.js';
import { clock, counted, now } from '../time.js';

/** @typedef {import('../../grafana/grafana.ts').GrafanaView} GrafanaView */
/** @typedef {import('../../prometheus/prometheus.ts').PrometheusView} PrometheusView */
/** @typedef {GrafanaView['annotations'][number]} Annotation */
/** @typedef {{ name: string; samples: Map<number, number> }} Line */
/** The lines of one query. @typedef {{ query: string; lines: Line[] }} Graph */
/**
 * A series with all its points.
 *
 * @typedef {{ query: string; labels: Record<string, string>; points: { at: string; value: string | null }[] }} Recorded
 */
/** @typedef {{ from: number; to: number; width: number }} Frame */

/** Maximum gap between the starts of related annotations. Earlier annotations are omitted. */
const STORY_GAP_MS = 45 * 60_000;
/** The graph ends at the current time while the newest data is at most this old. Later, it stands still. */
const LIVE_MS = 60_000;

/** Maximum samples per line: six hours at one sample per second would be more than a graph can show. */
const SAMPLES_MAX = 3600;

/** Time range and resolution for data from before the page was opened. */
const HISTORY_MS = 15 * 60_000;
const HISTORY_STEP_MS = 2000;

const GRAPHS_SHOWN = 3;
const LISTED = 30;
const HEIGHT = 132;
const TOP = 8;
const BOTTOM = 22;
const LEFT = 46;

/** A dashboard with a graph for each query that has samples, and all annotations. */
export class GrafanaPanel {
  /** @type {Element} */
  #body;
  /** @type {readonly Annotation[]} */
  #annotations = [];
  /** The stand-in returns only the last minute. Earlier samples are kept while the page is open. @type {Graph[]} */
  #graphs = [];

  /** @param {Element} body */
  constructor(body) {
    this.#body = body;
  }

  /** @param {GrafanaView} view */
  annotate({ annotations }) {
    this.#annotations = annotations;
    this.draw();
  }

  /** @param {PrometheusView} view */
  measure({ series }) {
    const before = this.#graphs;
    this.#graphs = [...Map.groupBy(series, ({ query }) => query)].slice(0, GRAPHS_SHOWN).map(([query, all]) => ({
      query,
      lines: all.map((one) => withNewSamples(one, lineOf(before, query, nameOf(one))?.samples)),
    }));
    this.draw();
    const isNew = this.#graphs.some(({ query, lines }) => lines.some(({ name }) => !lineOf(before, query, name)));
    if (isNew) void this.#loadHistory();
  }

  /** Loads the data from before the page was opened. */
  async #loadHistory() {
    const response = await fetch('/sandbox/prometheus/series');
    if (!response.ok) return;
    const { items } = /** @type {{ items: Recorded[] }} */ (await response.json());
    for (const recorded of items) {
      const line = lineOf(this.#graphs, recorded.query, nameOf(recorded));
      if (line) line.samples = new Map([...pastOf(recorded, line), ...line.samples]);
    }
    this.draw();
  }

  /** Draws the panel. Call it periodically too, since the graph ends at the current time. */
  draw() {
    if (this.#annotations.length === 0 && this.#graphs.length === 0) {
      return draw(this.#body, h('p', { class: 'empty' }, 'No annotations, and no queries with samples.'));
    }
    const frame = frameOf(this.#annotations, this.#graphs, Math.max(200, this.#body.clientWidth - 32));
    const graphs = this.#graphs.length > 0 ? this.#graphs : [{ query: '', lines: [] }];
    draw(this.#body, [graphs.map((graph) => figure(graph, this.#annotations, frame)), list(this.#annotations)]);
  }
}

/** @param {GrafanaView} view */
export const grafanaTally = ({ annotations }) =>
  annotations.length === 0 ? '' : counted(annotations.length, 'annotation');

/** @param {{ labels: Readonly<Record<string, string>> }} series */
const nameOf = ({ labels }) =>
  Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(' ');

/** @param {readonly Graph[]} graphs @param {string} query @param {string} name */
const lineOf = (graphs, query, name) =>
  graphs.find((graph) => graph.query === query)?.lines.find((line) => line.name === name);

/** @param {PrometheusView['series'][number]} series @param {Line['samples']} [before] @returns {Line} */
function withNewSamples(series, before) {
  const all = new Map(before);
  for (const { at, value } of series.samples) if (value !== null) all.set(Date.parse(at), Number(value));
  return { name: nameOf(series), samples: new Map([...all].slice(-SAMPLES_MAX)) };
}

/**
 * Returns the samples of a series before the first known sample. A value applies until the next point.
 *
 * @param {Recorded} recorded
 * @param {Line} line
 * @returns {[number, number][]}
 */
function pastOf({ points }, { samples }) {
  const end = [...samples.keys()][0] ?? now();
  /** @type {[number, number][]} */
  const past = [];
  for (let at = end - HISTORY_MS; at < end; at += HISTORY_STEP_MS) {
    const value = points.findLast((point) => Date.parse(point.at) <= at)?.value ?? null;
    if (value !== null) past.push([at, Number(value)]);
  }
  return past;
}

/** @param {readonly Annotation[]} annotations @param {readonly Graph[]} graphs @param {number} width @returns {Frame} */
function frameOf(annotations, graphs, width) {
  const seen = graphs.flatMap(({ lines }) => lines.map(({ samples }) => [...samples.keys()]));
  const begins = annotations.map(({ from }) => Date.parse(from));
  const ends = annotations.flatMap(({ until }) => (until === null ? [] : Date.parse(until)));
  const newest = Math.max(...begins, ...ends, ...seen.flatMap((times) => times.slice(-1)));
  const to = Number.isFinite(newest) ? Math.min(now(), newest + LIVE_MS) : now();
  const [first = to] = lastTogether([...begins, ...seen.flat()], STORY_GAP_MS);
  const margin = Math.max(2000, (to - first) * 0.04);
  return { from: first - margin, to: to + margin / 2, width };
}

/** @param {number} at @param {Frame} frame */
const xOf = (at, { from, to, width }) => LEFT + ((at - from) / (to - from)) * (width - LEFT);

/** @param {Graph} graph @param {readonly Annotation[]} annotations @param {Frame} frame */
function figure({ query, lines }, annotations, frame) {
  const highest = Math.max(0, ...lines.flatMap(({ samples }) => [...samples.values()].filter(Number.isFinite)));
  const top = highest === 0 ? 1 : highest * 1.15;
  const y = (/** @type {number} */ value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  return h(
    'figure',
    { class: 'graph', 'data-key': query },
    query !== '' && h('figcaption', {}, h('code', {}, query)),
    s(
      'svg',
      {
        width: frame.width,
        height: HEIGHT,
        viewBox: `0 0 ${frame.width} ${HEIGHT}`,
        role: 'img',
        'aria-label': query || 'Annotations over time',
      },
      lines.length > 0 && [0, 0.5, 1].map((part) => scaleLine(part * top, y(part * top), frame)),
      ticks(frame),
      annotations.map((annotation) => region(annotation, frame)).toReversed(),
      lines.map(({ samples }, i) => s('path', { class: `line line-${i % 4}`, d: path(samples, frame, y) })),
    ),
  );
}

/** @param {number} value @param {number} y @param {Frame} frame */
const scaleLine = (value, y, { width }) => [
  s('line', { class: 'grid', x1: LEFT, x2: width, y1: y, y2: y }),
  s('text', { class: 'scale', x: LEFT - 6, y: y + 3.5 }, String(Number(value.toPrecision(2)))),
];

/** @param {Frame} frame */
function ticks(frame) {
  const times = roundTimes(frame, Math.max(2, Math.floor(frame.width / 90)));
  const digits = times.every((at) => at % 60_000 === 0) ? 5 : 8;
  return times.map((at) => [
    s('line', { class: 'grid', x1: xOf(at, frame), x2: xOf(at, frame), y1: TOP, y2: HEIGHT - BOTTOM }),
    s('text', { class: 'tick', x: xOf(at, frame), y: HEIGHT - 5 }, clock(at).slice(0, digits)),
  ]);
}

/** A longer distance between samples is shown as a gap. */
const GAP_MS = 3000;

/** @param {Map<number, number>} samples @param {Frame} frame @param {(value: number) => number} y */
function path(samples, frame, y) {
  let last = 0;
  let d = '';
  for (const [at, value] of samples) {
    if (at < frame.from || !Number.isFinite(value)) continue;
    d += `${at - last > GAP_MS ? 'M' : 'L'}${xOf(at, frame).toFixed(1)} ${y(value).toFixed(1)}`;
    last = at;
  }
  return d;
}

/** Returns the kind of an annotation by its tags. @param {Annotation} annotation */
const kindOf = ({ tags }) => ['incident', 'rollback', 'deploy'].find((kind) => tags.includes(kind)) ?? 'other';

/** @param {Annotation} annotation @param {Frame} frame */
function region(annotation, frame) {
  const { id, from, until, text } = annotation;
  const begin = Math.max(Date.parse(from), frame.from);
  const end = Math.min(Date.parse(until ?? from), frame.to);
  if (end < frame.from || begin > frame.to) return null;
  const x = xOf(begin, frame);
  const width = xOf(end, frame) - x;
  const bottom = HEIGHT - BOTTOM;
  return s(
    'g',
    { class: `annotation ${kindOf(annotation)}`, 'data-key': `annotation ${id}` },
    s('title', {}, text),
    until !== null && s('rect', { x, y: TOP, width: Math.max(2, width), height: bottom - TOP }),
    until !== null && s('rect', { class: 'bar', x, y: bottom, width: Math.max(2, width), height: 3 }),
    s('line', { x1: x, x2: x, y1: TOP, y2: bottom }),
    s('path', { d: `M${x - 4} ${bottom + 5}h8l-4-5z` }),
  );
}

/** @param {readonly Annotation[]} annotations */
const list = (annotations) =>
  h(
    'ul',
    { class: 'annotations' },
    annotations
      .toSorted((a, b) => (a.from < b.from ? 1 : -1))
      .slice(0, LISTED)
      .map((annotation) =>
        h(
          'li',
          { 'data-key': annotation.id, 'data-glow': JSON.stringify([annotation.text, annotation.until]) },
          h('i', { class: kindOf(annotation), 'aria-hidden': true }),
          h(
            'span',
            {},
            h('span', {}, annotation.text),
            h(
              'span',
              { class: 'quiet line' },
              spanOf(annotation),
              ' ',
              annotation.tags.map((tag) => [h('span', { class: 'label' }, tag), ' ']),
            ),
          ),
        ),
      ),
  );

/** @param {Annotation} annotation */
const spanOf = ({ from, until }) => (until === null ? clock(from) : `${clock(from)} – ${clock(until)}`);
