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
const SYMBOL_AREA = 64;

/** A longer pause between samples is shown as a gap. */
const GAP_MAX_SECONDS = 300;

const ROWS_MAX = 60;

/** Draws a plot on the server. Its data are in a table behind it. */
export const plot = (given: Plot): Html =>
  html`<figure class="plot">
    ${(['wide', 'narrow'] as const).map((size) => drawing(given, size))}
    <ul class="legend">
      ${given.marks.map(
        ({ kind, at, label }) =>
          html`<li>
            <svg class="mark ${kind}" viewBox="-8 -8 16 16" aria-hidden="true"><path d="${shape(kind)}" /></svg>
            ${label} <time datetime="${at}">${timeOf(at, given)}</time>
          </li>`,
      )}
      ${
        given.limit === null
          ? ''
          : html`<li>
              <svg class="mark limit" viewBox="-8 -8 16 16" aria-hidden="true"><path d="M-8,0H8" /></svg>
              ${given.limitName ?? 'limit'} ${valueOf(given.limit, given)}
            </li>`
      }
      ${
        given.lower === undefined
          ? ''
          : html`<li>
              <svg class="mark limit" viewBox="-8 -8 16 16" aria-hidden="true"><path d="M-8,0H8" /></svg>
              ${given.lower.name} ${valueOf(given.lower.value, given)}
            </li>`
      }
    </ul>
    <details id="${given.id}-data">
      <summary>Data as a table</summary>
      ${given.table ?? table(given)}
    </details>
  </figure>`;

/** Describes what the plot shows, for people who do not see it. */
export function plotText(given: Plot): string {
  const { title, curve, from, until, limit, marks } = given;
  const values = curve.filter(([at]) => at >= from && at <= until).map(([, value]) => value);
  const range =
    values.length === 0
      ? 'no samples'
      : `${values.length} samples between ${valueOf(Math.min(...values), given)} and ${valueOf(Math.max(...values), given)}`;
  return [
    `${title} from ${timeOf(from, given)} to ${timeOf(until, given)} UTC: ${range}${limit === null ? '' : `, ${given.limitName ?? 'limit'} ${valueOf(limit, given)}`}${given.lower === undefined ? '' : `, ${given.lower.name} ${valueOf(given.lower.value, given)}`}`,
    ...marks.map(({ label, at, from: first, until: last }) =>
      first === undefined || last === undefined || first === last
        ? `${label} at ${timeOf(at, given)}`
        : `${label} at ${timeOf(at, given)}, between ${timeOf(first, given)} and ${timeOf(last, given)}`,
    ),
  ].join('. ');
}

function drawing(given: Plot, size: keyof typeof WIDTHS): Html {
  const { curve, from, until, limit, lower, marks, top: highest, forecast = [] } = given;
  const width = WIDTHS[size];
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const most = Math.max(...shown.map(([, value]) => value), limit ?? 0, 0);
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const x = scaleUtc([millisOf(from), millisOf(until)], [left, right]);
  const lowest = Math.min(0, lower?.value ?? 0, limit ?? 0, ...[...shown, ...forecast].map(([, value]) => value));
  const y = scaleLinear([lowest, highest ?? (most === 0 ? 1 : most * 1.05)], [bottom, top]);
  if (highest === undefined || lowest < 0) y.nice(VALUE_TICKS);
  // Times of a fraction of a second would have the same text.
  const ticks = x
    .ticks(Math.max(2, Math.floor((right - left) / TICK_PIXELS)))
    .filter((at) => at.getTime() % 1000 === 0);
  const hasSeconds = ticks.some((at) => at.getTime() % 60_000 !== 0);
  const inside = (at: Timestamp): number => Math.round(Math.min(Math.max(x(millisOf(at)), left), right) * 10) / 10;
  const path = line<Point | null>()
    .digits(1)
    .defined((point) => point !== null)
    .x((point) => x(point?.at ?? 0))
    .y((point) => y(point?.value ?? 0));
  return html`<svg class="${size}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${plotText(given)}">
    ${y
      .ticks(VALUE_TICKS)
      .map(
        (value) =>
          html`<path class="grid" d="M${left},${round(y(value))}H${right}" /><text
              class="value"
              x="${left - 6}"
              y="${round(y(value)) + 4}"
              >${valueOf(value, given)}</text
            >`,
      )}
    ${ticks.map(
      (at) =>
        html`<text class="time" x="${round(x(at))}" y="${HEIGHT - 6}"
          >${hasSeconds ? at.toISOString().slice(11, 19) : clock(at.getTime(), given)}</text
        >`,
    )}
    ${marks.map(({ from: first, until: last }) =>
      first === undefined || last === undefined
        ? ''
        : html`<rect
            class="bounds"
            x="${inside(first)}"
            y="${top}"
            width="${round(Math.max(1, inside(last) - inside(first)))}"
            height="${bottom - top}"
          />`,
    )}
    ${limit === null ? '' : html`<path class="limit" d="M${left},${round(y(limit))}H${right}" />`}
    ${lower === undefined ? '' : html`<path class="limit" d="M${left},${round(y(lower.value))}H${right}" />`}
    <path class="curve" d="${path(thinned(withGaps(shown, given.gapSeconds), (at) => Math.floor(x(at)))) ?? ''}" />
    ${forecast.length === 0 ? '' : html`<path class="curve forecast" d="${path(withGaps(forecast, Infinity)) ?? ''}" />`}
    ${marks.map(
      ({ kind, at }) =>
        html`<g class="mark ${kind}">
          <path class="at" d="M${inside(at)},${top}V${bottom}" />
          <path d="${shape(kind)}" transform="translate(${inside(at)},${top - 10})" />
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

/** Keeps of the points in one column of pixels those that are visible: the first, the last, the lowest, and the highest. */
function thinned(points: readonly (Point | null)[], columnOf: (at: number) => number): (Point | null)[] {
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
function table(given: Plot): Html {
  const { title, curve, from, until, limit, marks } = given;
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const each = Math.max(1, Math.ceil(shown.length / ROWS_MAX));
  const highest = [...Map.groupBy(shown.entries(), ([n]) => Math.floor(n / each)).values()].map((some) =>
    some.map(([, sample]) => sample).reduce((most, sample) => (sample[1] > most[1] ? sample : most)),
  );
  const rows = [
    ...highest.map(([at, value]) => ({
      at,
      text: `${valueOf(value, given)}${limit !== null && value > limit ? ', above the limit' : ''}`,
    })),
    ...marks.map(({ at, label }) => ({ at, text: label })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
  return html`<div class="scrolled" tabindex="0" role="region" aria-label="Data of the plot">
    <table>
      <caption>
        ${title}${each === 1 ? '' : `: the highest of each ${each} samples`}
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
              <td class="when">${timeOf(at, given)}</td>
              <td>${text}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Spans that are longer show dates. */
const DAYS_FROM_MILLIS = 36 * 3_600_000;
const isLong = ({ from, until }: Plot): boolean => millisOf(until) - millisOf(from) > DAYS_FROM_MILLIS;
const timeOf = (at: Timestamp, given: Plot): string =>
  isLong(given) ? `${at.slice(0, 10)} ${at.slice(11, 16)}` : at.slice(11, 19);

/** Labels a tick. Midnight has its date, if the axis has several days. */
const clock = (millis: number, given: Plot): string => {
  const at = timestamp(millis);
  return isLong(given) && at.slice(11, 16) === '00:00' ? at.slice(5, 10) : at.slice(11, 16);
};
const round = (pixels: number): number => Math.round(pixels * 10) / 10;
const valueOf = (value: number, { format = short }: Plot): string => format(value);
const short = (value: number): string => String(Number(value.toPrecision(3)));
