import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The file of uPlot for browsers. On Lambda, a copy of it is beside the bundle: `functions/assembly/resources.ts`. */
const PLOT_LIBRARY = 'uplot/dist/uPlot.iife.min.js';

/** @throws if uPlot is not installed */
export const plotScript = (): string =>
  `${readFileSync(createRequire(import.meta.url).resolve(PLOT_LIBRARY), 'utf8')}\n${LAYER.replaceAll(/^ *(?:\/\/.*\n|\/\*\*.*\n)?/gm, '')}`;

/**
 * The part of the script of every page that loads the script of plots when a page has one, which can be later. Without it, a
 * plot is the picture that the server drew.
 */
export const PLOT_LOADER = `
(() => {
  const { plots: src } = document.currentScript?.dataset ?? {};
  const main = document.getElementById('main');
  if (!src || !main) return;
  let isLoading = false;
  const look = () => {
    if (isLoading || !document.querySelector('[data-plot]')) return;
    isLoading = true;
    document.head.append(make('script', { src }));
  };
  look();
  new MutationObserver(look).observe(main, { childList: true, subtree: true });
})();
`;

/**
 * Draws axes and values of each plot of the page again with uPlot, beneath its picture: with the value at the pointer, and a zoom of
 * time by dragging or with two fingers. Plots of a group share both. Live updates replace figures, so new ones are looked for.
 */
const LAYER = `'use strict';
(() => {
// Plots by their figures.
const drawn = new Map();
// From and until in seconds, by group.
const zooms = new Map();
// The figure under the pointer, and the time there.
let pointer = null;

const make = (name, className, ...children) => {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
};
// Local times are written as UTC is.
const iso = (at) => new Date(at * 1e3 - document.body.dataset.local * new Date(at * 1e3).getTimezoneOffset() * 6e4).toISOString();
const clock = (at, span) => {
  const text = iso(at);
  return span > 129600 ? text.slice(5, 10) + ' ' + text.slice(11, 16) : text.slice(11, 19);
};
const date = (at) => iso(at).slice(5, 10);
const tick = (at, step, span) => {
  const text = iso(at);
  if (span > 129600 && text.slice(11, 16) === '00:00') return date(at);
  return step < 60 ? text.slice(11, 19) : text.slice(11, 16);
};
// As in plot-picture.ts.
const LEFT = 46;
const LINE_DASHES = [[], [5, 4], [2, 3], [8, 3, 2, 3]];

/** Adds a gap to a line where samples are missing. */
const tableOf = ([, at, values], { from, gap }) => {
  const table = [[], []];
  at.forEach((seconds, n) => {
    if (n > 0 && gap !== null && seconds - at[n - 1] > gap) {
      table[0].push(from + at[n - 1] + 0.5);
      table[1].push(null);
    }
    table[0].push(from + seconds);
    table[1].push(values[n]);
  });
  return table;
};

const draw = (figure) => {
  const data = JSON.parse(figure.dataset.plot);
  const picture = [...figure.querySelectorAll(':scope > svg')].find((svg) => svg.clientHeight > 0);
  if (!picture || data.lines.every(([, at]) => at.length === 0)) return;
  const group = data.group ?? figure.id;
  const whole = [data.from, data.from + data.seconds];
  const style = getComputedStyle(figure);
  const color = (name) => style.getPropertyValue('--' + name).trim();
  const valueOf = (value) => Number((value * data.unit.factor).toPrecision(3)) + data.unit.suffix;
  const { width, height } = picture.getBoundingClientRect();
  const area = make('div', 'plot-area');
  const value = make('p', 'plot-value');
  const reset = make('button', 'plain-button plot-reset', 'Show all');
  value.hidden = reset.hidden = true;
  value.setAttribute('aria-hidden', 'true');
  reset.type = 'button';
  reset.addEventListener('click', () => zoom(group, null));
  area.append(value);
  picture.before(area, reset);
  figure.classList.add('drawn');

  // The picture stays over the canvas for what uPlot does not draw: limits, marks with labels, and events.
  const scale = width / picture.viewBox.baseVal.width;
  const move = (u) => {
    const room = u.over.clientWidth;
    for (const one of picture.querySelectorAll('[data-at]')) {
      const { at, until = at } = one.dataset;
      const [from, to] = [at, until].map((seconds) => u.valToPos(data.from + Number(seconds), 'x'));
      const x = (px) => LEFT + Math.min(Math.max(px, 0), room) / scale;
      one.style.display = to < -1 || from > room + 1 ? 'none' : '';
      if (one.localName === 'rect') {
        one.setAttribute('x', x(from));
        one.setAttribute('width', Math.max(1, x(to) - x(from)));
      } else one.setAttribute('transform', 'translate(' + x(from) + ')');
      for (const text of one.querySelectorAll('text')) {
        const box = text.getBBox();
        const isCut = x(from) + box.x < 0 || x(from) + box.x + box.width > width / scale;
        text.style.visibility = isCut ? 'hidden' : '';
      }
    }
  };

  const period = (data.days ?? 0) * 86400;
  const nameOf = (time) => data.days === 1 ? date(time - 1) : data.days ? data.days + ' days to ' + date(time) : clock(time, data.seconds);
  const showValue = (u) => {
    const { left } = u.cursor;
    const times = u.data[0];
    let { idx } = u.cursor;
    if (left < 0) idx = null;
    // A value of a period belongs to the time before it.
    const at = u.posToVal(left, 'x');
    if (period > 0 && idx != null && times[idx] < at && idx < times.length - 1) idx += 1;
    const time = idx == null || (period > 0 && times[idx] - at > period) ? null : times[idx];
    if (pointer?.figure === figure.id) pointer.time = time;
    value.hidden = time === null;
    if (time === null) return;
    const near = data.lines.flatMap(([name], n) => {
      let at = idx;
      while (at > 0 && u.data[n + 1][at] == null && time - times[at - 1] <= (data.gap ?? Infinity)) at -= 1;
      const found = u.data[n + 1][at];
      return found == null ? [] : [(name ? name + ' ' : '') + valueOf(found)];
    }).concat(data.lanes.map(([name, all]) => name + ' ' + all.filter((one) => one + data.from <= time && one + data.from > time - period).length));
    value.textContent = [nameOf(time), ...near].join(' · ');
    const room = u.over.clientWidth;
    const offset = u.bbox.left / devicePixelRatio;
    value.style.left = offset + Math.min(left + 10, Math.max(0, room - value.offsetWidth)) + 'px';
    value.style.top = u.bbox.top / devicePixelRatio + 'px';
  };

  const axis = { gap: 4, stroke: color('quiet'), font: 11 * scale + 'px system-ui, sans-serif', ticks: { show: false } };
  const u = new uPlot({
    width, height,
    padding: [picture.dataset.top * scale, 10 * scale, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      ...(data.bars && { points: { show: false } }),
      bind: { dblclick: () => () => zoom(group, null) },
      ...(data.group && { sync: { key: data.group, scales: ['x', null] } }),
    },
    scales: { x: { time: true }, y: { range: () => data.y } },
    axes: [
      {
        ...axis, size: 24 * scale, gap: 7 * scale, space: 80,
        grid: { show: false },
        values: ({ scales: { x } }, splits) => splits.map((at) => x.max - at < (x.max - x.min) * 0.02 ? '' : tick(at, (splits[1] ?? 0) - (splits[0] ?? 0), data.seconds)),
      },
      {
        ...axis, size: LEFT * scale, space: 25,
        ...(data.bars && { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }),
        grid: { stroke: color('line'), width: 1 },
        values: (_, splits) => splits.map(valueOf),
      },
    ],
    series: [
      {},
      ...data.lines.map((_, n) => ({
        stroke: color('bar'), width: 2, dash: LINE_DASHES[n] ?? [5, 4], points: { show: data.dots === true, size: 6, fill: color('bar') },
        ...(data.bars && { fill: color('bar'), width: 0, paths: uPlot.paths.bars({ size: [0.9], align: -1 }) }),
      })),
    ],
    tzDate: (at) => new Date(iso(at).slice(0, -1)),
    hooks: {
      draw: [move],
      setCursor: [showValue],
      setSelect: [(self) => {
        const { left, width: selected } = self.select;
        if (selected < 5) return;
        const range = [left, left + selected].map((x) => self.posToVal(x, 'x'));
        self.setSelect({ left: 0, width: 0 }, false);
        zoom(group, range);
      }],
    },
  }, uPlot.join(data.lines.map((line) => tableOf(line, data))), area);
  // A finger that moves across shows values, two zoom, and one that moves up or down scrolls the page: see touch-action.
  const fingers = new Map();
  let held = null;
  const on = (type, run) => u.over.addEventListener(type, (event) => run(event, event.pointerType === 'touch'));
  const lift = ({ pointerId }) => { fingers.delete(pointerId); held = null; };
  on('pointerenter', () => { pointer = { figure: figure.id, time: null }; });
  on('pointerleave', (_, isTouch) => { if (!isTouch) pointer = null; });
  on('pointerup', lift);
  on('pointercancel', lift);
  const touched = ({ pointerType, pointerId, offsetX, offsetY }) => {
    if (pointerType === 'mouse') return;
    if (fingers.has(pointerId)) fingers.set(pointerId, offsetX);
    if (held) pinch([...fingers.values()]);
    else u.setCursor({ left: offsetX, top: offsetY });
  };
  on('pointerdown', (event, isTouch) => {
    if (isTouch) fingers.set(event.pointerId, event.offsetX);
    held = fingers.size === 2 ? [...fingers.values()].map((x) => u.posToVal(x, 'x')) : null;
    touched(event);
  });
  on('pointermove', touched);
  const pinch = ([first, second]) => {
    const perPixel = (held[1] - held[0]) / (second - first);
    if (!(perPixel > 0 && perPixel < Infinity)) return;
    const range = [0, u.over.clientWidth].map((x) => Math.min(Math.max(held[0] + (x - first) * perPixel, whole[0]), whole[1]));
    zoom(group, range.join() === whole.join() ? null : range);
  };
  drawn.set(figure, { u, group, whole, reset });
  show(figure);
  if (pointer?.figure === figure.id && pointer.time != null)
    u.setCursor({ left: u.valToPos(pointer.time, 'x'), top: 10 });
  const resized = new ResizeObserver(() => {
    const wide = area.clientWidth;
    if (drawn.get(figure)?.u === u && wide > 0 && Math.abs(wide - u.width) > 1) redraw(figure);
  });
  resized.observe(area);
};

/** Shows the times of the zoom. A live plot goes on, so a zoom to its end stays where it is. */
const show = (figure) => {
  const { u, group, whole, reset } = drawn.get(figure);
  const [min, max] = zooms.get(group) ?? whole;
  const first = [...document.querySelectorAll('.plot.drawn')].find((one) => drawn.get(one)?.group === group);
  reset.hidden = !zooms.has(group) || figure !== first;
  u.setScale('x', { min, max });
};
const zoom = (group, range) => {
  if (range === null) zooms.delete(group);
  else zooms.set(group, range);
  for (const [figure, one] of drawn) if (one.group === group) show(figure);
};

const look = () => {
  for (const [figure, { u }] of drawn)
    if (!figure.isConnected) {
      u.destroy();
      drawn.delete(figure);
    }
  for (const figure of document.querySelectorAll('[data-plot]:not(.drawn)')) draw(figure);
};
const redraw = (figure) => {
  const { u, reset } = drawn.get(figure);
  u.root.parentElement.remove();
  u.destroy();
  reset.remove();
  figure.classList.remove('drawn');
  drawn.delete(figure);
  draw(figure);
};
look();
new MutationObserver(look).observe(document.getElementById('main'), { childList: true, subtree: true });
const again = () => [...drawn.keys()].forEach(redraw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
document.addEventListener('times', again);
// A plot in details that are opened has no size before.
document.addEventListener('toggle', look, true);
})();
`;

/** The styles of uPlot that these plots need, and what is laid over the picture. */
export const PLOT_STYLE = `
.plot { position: relative; }
.plot.drawn > svg { position: absolute; left: 0; top: 0; pointer-events: none; }
.plot.drawn > svg :is(.grid, .value, .time, .bars, .curve, .dots) { display: none; }
.plot-area { position: relative; }
.plot-area .uplot, .plot-area .u-wrap { position: relative; }
.plot-area .u-wrap { user-select: none; touch-action: pan-y; }
.plot-area .u-over, .plot-area .u-under, .plot-area .u-axis, .plot-area .u-select { position: absolute; }
.plot-area canvas { display: block; position: relative; width: 100%; height: 100%; }
.plot-area .u-select { background: var(--bar); opacity: 0.25; pointer-events: none; }
.plot-area .u-cursor-x, .plot-area .u-cursor-y { position: absolute; left: 0; top: 0; pointer-events: none; will-change: transform; }
.plot-area .u-cursor-x { height: 100%; border-right: 1px solid var(--strong-line); }
.plot-area .u-cursor-y, .plot-area .u-off { display: none; }
.plot-area .u-cursor-pt { position: absolute; top: 0; left: 0; border: 2px solid var(--bar) !important; border-radius: 50%; pointer-events: none; will-change: transform; background: var(--surface) !important; }
.plot-value { position: absolute; z-index: 1; padding: 1px 7px; border: 1px solid var(--strong-line); border-radius: var(--radius); background: var(--surface); font-size: 0.86rem; white-space: nowrap; pointer-events: none; font-variant-numeric: tabular-nums; }
.plot-reset { position: absolute; z-index: 1; right: 10px; top: 0; }
.plot text.label { fill: var(--text); stroke: var(--surface); stroke-width: 4px; paint-order: stroke; }
.plot text.label.end { text-anchor: end; }
.plot .bars { fill: var(--bar); }
.plot .event { fill: var(--text); }
.plot .dots { stroke: var(--bar); stroke-width: 6; stroke-linecap: round; }
.plot .line-2 { stroke-dasharray: 2 3; }
.plot .line-3 { stroke-dasharray: 8 3 2 3; }
.plot .dashed.line-2 path { stroke-dasharray: 2 3; }
.plot .dashed.line-3 path { stroke-dasharray: 8 3 2 3; }
`;
