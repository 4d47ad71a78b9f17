import { scaleLinear, scaleUtc } from 'd3-scale';
import {
  line,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolTriangle,
  symbolWye,
} from 'd3-shape';
import { html } from 'hono/html';
import type { Curve } from '../../domain/correlation/evidence.ts';
import { millisOf, timestamp, type Timestamp } from '../../schemas/time/time.ts';
import type { Html } from './parts.ts';

/** Shapes, so that marks differ without color. */
const SHAPES = {
  deploy: symbolTriangle,
  onset: symbolDiamond,
  alert: symbolCircle,
  rollback: symbolSquare,
  now: symbolWye,
  forecast: symbolCross,
} as const;

/** A moment that the plot marks. `from` and `until`: its bounds, if it is known only roughly. */
export type Mark = { kind: keyof typeof SHAPES; at: Timestamp; label: string; from?: Timestamp; until?: Timestamp };

/** A curve over time, with a limit and marks. */
export type Plot = {
  /** Unique on the page. */
  id: string;
  /** What the values are, such as `Health of checkout production`. */
  title: string;
  curve: Curve;
  from: Timestamp;
  until: Timestamp;
  /** Values above it are bad. Null: there is none. */
  limit: number | null;
  marks: readonly Mark[];
  /** What the limit means. Absent: `limit`. */
  limitName?: string;
  /** A second limit; values below it are bad. Absent: there is none. */
  lower?: { value: number; name: string };
  /** The highest value of the axis. Absent: the highest of the curve. */
  top?: number;
  /** Formats a value. Absent: a number of three digits. */
  format?: (value: number) => string;
  /** A longer pause between samples is shown as a gap. Absent: five minutes. */
  gapSeconds?: number;
  /** How the curve is expected to continue; drawn with dashes. */
  forecast?: Curve;
  /** The data as a table. Absent: times with values and events. */
  table?: Html;
};

const HEIGHT = 230;
const MARGIN = { top: 22, right: 10, bottom: 24, left: 46 };

/** Widths in pixels: one picture for wide windows and one for phones, so that texts have a readable size in both. */
const WIDTHS = { wide: 720, narrow: 330 } as const;

/** Pixels between two times on the axis. */
const TICK_PIXELS = 90;
const VALUE_TICKS = 4;

/** Square pixels of a mark. */
const SYMBOL_AREA = 64;

/** A longer pause between samples is shown as a gap. */
const GAP_MAX_SECONDS = 300;

/** Rows of the table of data, without those of marks. */
const ROWS_MAX = 60;

/** Draws a plot on the server. Its data are in a table behind it. */
export const plot = (chart: Plot): Html =>
  html`<figure class="plot">
    ${(['wide', 'narrow'] as const).map((size) => drawing(chart, size))}
    <ul class="legend">
      ${chart.marks.map(
        ({ kind, at, label }) =>
          html`<li>
            <svg class="mark ${kind}" viewBox="-8 -8 16 16" aria-hidden="true"><path d="${shape(kind)}" /></svg>
            ${label} <time datetime="${at}">${timeOf(at, chart)}</time>
          </li>`,
      )}
      ${
        chart.limit === null
          ? ''
          : html`<li>
              <svg class="mark limit" viewBox="-8 -8 16 16" aria-hidden="true"><path d="M-8,0H8" /></svg>
              ${chart.limitName ?? 'limit'} ${valueOf(chart.limit, chart)}
            </li>`
      }
      ${
        chart.lower === undefined
          ? ''
          : html`<li>
              <svg class="mark limit" viewBox="-8 -8 16 16" aria-hidden="true"><path d="M-8,0H8" /></svg>
              ${chart.lower.name} ${valueOf(chart.lower.value, chart)}
            </li>`
      }
    </ul>
    <details id="${chart.id}-data">
      <summary>Data as a table</summary>
      ${chart.table ?? table(chart)}
    </details>
  </figure>`;

/** Describes what the plot shows, for people who do not see it. */
export function plotText(chart: Plot): string {
  const { title, curve, from, until, limit, marks } = chart;
  const values = curve.filter(([at]) => at >= from && at <= until).map(([, value]) => value);
  const range =
    values.length === 0
      ? 'no samples'
      : `${values.length} samples between ${valueOf(Math.min(...values), chart)} and ${valueOf(Math.max(...values), chart)}`;
  return [
    `${title} from ${timeOf(from, chart)} to ${timeOf(until, chart)} UTC: ${range}${limit === null ? '' : `, ${chart.limitName ?? 'limit'} ${valueOf(limit, chart)}`}${chart.lower === undefined ? '' : `, ${chart.lower.name} ${valueOf(chart.lower.value, chart)}`}`,
    ...marks.map(({ label, at, from: first, until: last }) =>
      first === undefined || last === undefined || first === last
        ? `${label} at ${timeOf(at, chart)}`
        : `${label} at ${timeOf(at, chart)}, between ${timeOf(first, chart)} and ${timeOf(last, chart)}`,
    ),
  ].join('. ');
}

function drawing(chart: Plot, size: keyof typeof WIDTHS): Html {
  const { curve, from, until, limit, lower, marks, top: fixedTop, forecast = [] } = chart;
  const width = WIDTHS[size];
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const highest = Math.max(...shown.map(([, value]) => value), limit ?? 0, 0);
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const x = scaleUtc([millisOf(from), millisOf(until)], [left, right]);
  const lowest = Math.min(0, lower?.value ?? 0, limit ?? 0, ...[...shown, ...forecast].map(([, value]) => value));
  const y = scaleLinear([lowest, fixedTop ?? (highest === 0 ? 1 : highest * 1.05)], [bottom, top]);
  if (fixedTop === undefined || lowest < 0) y.nice(VALUE_TICKS);
  // Times of a fraction of a second would have the same text.
  const ticks = x
    .ticks(Math.max(2, Math.floor((right - left) / TICK_PIXELS)))
    .filter((at) => at.getTime() % 1000 === 0);
  const hasSeconds = ticks.some((at) => at.getTime() % 60_000 !== 0);
  const clampedX = (at: Timestamp): number => Math.round(Math.min(Math.max(x(millisOf(at)), left), right) * 10) / 10;
  const path = line<Point | null>()
    .digits(1)
    .defined((point) => point !== null)
    .x((point) => x(point?.at ?? 0))
    .y((point) => y(point?.value ?? 0));
  const curvePath = path(visiblePoints(withGaps(shown, chart.gapSeconds), (at) => Math.floor(x(at)))) ?? '';
  return html`<svg class="${size}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${plotText(chart)}">
    ${y
      .ticks(VALUE_TICKS)
      .map(
        (value) =>
          html`<path class="grid" d="M${left},${roundPixels(y(value))}H${right}" /><text
              class="value"
              x="${left - 6}"
              y="${roundPixels(y(value)) + 4}"
              >${valueOf(value, chart)}</text
            >`,
      )}
    ${ticks.map(
      (at) =>
        html`<text class="time" x="${roundPixels(x(at))}" y="${HEIGHT - 6}"
          >${hasSeconds ? at.toISOString().slice(11, 19) : tickText(at.getTime(), chart)}</text
        >`,
    )}
    ${marks.map(({ from: first, until: last }) =>
      first === undefined || last === undefined
        ? ''
        : html`<rect
            class="bounds"
            x="${clampedX(first)}"
            y="${top}"
            width="${roundPixels(Math.max(1, clampedX(last) - clampedX(first)))}"
            height="${bottom - top}"
          />`,
    )}
    ${limit === null ? '' : html`<path class="limit" d="M${left},${roundPixels(y(limit))}H${right}" />`}
    ${lower === undefined ? '' : html`<path class="limit" d="M${left},${roundPixels(y(lower.value))}H${right}" />`}
    <path class="curve" d="${curvePath}" />
    ${forecast.length === 0 ? '' : html`<path class="curve forecast" d="${path(withGaps(forecast, Infinity)) ?? ''}" />`}
    ${marks.map(
      ({ kind, at }) =>
        html`<g class="mark ${kind}">
          <path class="at" d="M${clampedX(at)},${top}V${bottom}" />
          <path d="${shape(kind)}" transform="translate(${clampedX(at)},${top - 10})" />
        </g>`,
    )}
  </svg>`;
}

type Point = { at: number; value: number };

/** Separates samples with a long pause between them. */
function withGaps(curve: Curve, seconds = GAP_MAX_SECONDS): (Point | null)[] {
  const points = curve.map(([at, value]) => ({ at: millisOf(at), value }));
  return points.flatMap((point, n) => {
    const before = points[n - 1];
    return before !== undefined && point.at - before.at > seconds * 1000 ? [null, point] : [point];
  });
}

/** Returns the points that are visible: of those in one column of pixels, the first, the last, the lowest, and the highest. */
function visiblePoints(points: readonly (Point | null)[], columnOf: (at: number) => number): (Point | null)[] {
  const thin: (Point | null)[] = [];
  let column: Point[] = [];
  const flush = (): void => {
    const [first] = column;
    if (first === undefined) return;
    const byValue = column.toSorted((a, b) => a.value - b.value);
    const visible = new Set([first, byValue[0], byValue.at(-1), column.at(-1)]);
    thin.push(...column.filter((point) => visible.has(point)));
    column = [];
  };
  for (const point of points) {
    const [first] = column;
    if (point === null || (first !== undefined && columnOf(first.at) !== columnOf(point.at))) flush();
    if (point === null) thin.push(null);
    else column.push(point);
  }
  flush();
  return thin;
}

const shape = (kind: Mark['kind']): string => symbol(SHAPES[kind], SYMBOL_AREA).digits(1)() ?? '';

/** Shows the highest value of each stretch of time, and the marks, in order. */
function table(chart: Plot): Html {
  const { title, curve, from, until, limit, marks } = chart;
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const perRow = Math.max(1, Math.ceil(shown.length / ROWS_MAX));
  const highest = [...Map.groupBy(shown.entries(), ([n]) => Math.floor(n / perRow)).values()].map((group) =>
    group.map(([, sample]) => sample).reduce((top, sample) => (sample[1] > top[1] ? sample : top)),
  );
  const rows = [
    ...highest.map(([at, value]) => ({
      at,
      text: `${valueOf(value, chart)}${limit !== null && value > limit ? ', above the limit' : ''}`,
    })),
    ...marks.map(({ at, label }) => ({ at, text: label })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
  return html`<div class="scrolled" tabindex="0" role="region" aria-label="Data of the plot">
    <table>
      <caption>
        ${title}${perRow === 1 ? '' : `: the highest of each ${perRow} samples`}
      </caption>
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Value or event</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ at, text }) =>
            html`<tr>
              <td class="when">${timeOf(at, chart)}</td>
              <td>${text}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A longer plot shows dates beside its times. */
const DATES_FROM_MILLIS = 36 * 3_600_000;
const showsDates = ({ from, until }: Plot): boolean => millisOf(until) - millisOf(from) > DATES_FROM_MILLIS;
const timeOf = (at: Timestamp, chart: Plot): string =>
  showsDates(chart) ? `${at.slice(0, 10)} ${at.slice(11, 16)}` : at.slice(11, 19);

/** Returns the label of a tick: midnight has its date if the plot shows dates. */
const tickText = (millis: number, chart: Plot): string => {
  const at = timestamp(millis);
  return showsDates(chart) && at.slice(11, 16) === '00:00' ? at.slice(5, 10) : at.slice(11, 16);
};
const roundPixels = (pixels: number): number => Math.round(pixels * 10) / 10;
const valueOf = (value: number, { format = threeDigits }: Plot): string => format(value);
const threeDigits = (value: number): string => String(Number(value.toPrecision(3)));
