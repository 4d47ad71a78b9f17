import { scaleLinear, scaleUtc } from 'd3-scale';
import { line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from 'd3-shape';
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
            ${label} <time datetime="${at}">${second(at)}</time>
          </li>`,
      )}
      ${
        given.limit === null
          ? ''
          : html`<li>
              <svg class="mark limit" viewBox="-8 -8 16 16" aria-hidden="true"><path d="M-8,0H8" /></svg> limit
              ${short(given.limit)}
            </li>`
      }
    </ul>
    <details id="${given.id}-data">
      <summary>Data as a table</summary>
      ${table(given)}
    </details>
  </figure>`;

/** Describes what the plot shows, for people who do not see it. */
export function plotText({ title, curve, from, until, limit, marks }: Plot): string {
  const values = curve.filter(([at]) => at >= from && at <= until).map(([, value]) => value);
  const range =
    values.length === 0
      ? 'no samples'
      : `${values.length} samples between ${short(Math.min(...values))} and ${short(Math.max(...values))}`;
  return [
    `${title} from ${second(from)} to ${second(until)} UTC: ${range}${limit === null ? '' : `, limit ${short(limit)}`}`,
    ...marks.map(({ label, at, from: first, until: last }) =>
      first === undefined || last === undefined || first === last
        ? `${label} at ${second(at)}`
        : `${label} at ${second(at)}, between ${second(first)} and ${second(last)}`,
    ),
  ].join('. ');
}

function drawing(given: Plot, size: keyof typeof WIDTHS): Html {
  const { curve, from, until, limit, marks } = given;
  const width = WIDTHS[size];
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const most = Math.max(...shown.map(([, value]) => value), limit ?? 0, 0);
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const x = scaleUtc([millisOf(from), millisOf(until)], [left, right]);
  const y = scaleLinear([Math.min(0, ...shown.map(([, value]) => value)), most === 0 ? 1 : most * 1.05], [bottom, top]);
  y.nice(VALUE_TICKS);
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
              >${short(value)}</text
            >`,
      )}
    ${x
      .ticks(Math.max(2, Math.floor((right - left) / TICK_PIXELS)))
      .map((at) => html`<text class="time" x="${round(x(at))}" y="${HEIGHT - 6}">${clock(at.getTime())}</text>`)}
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
    <path class="curve" d="${path(withGaps(shown)) ?? ''}" />
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
function withGaps(curve: Curve): (Point | null)[] {
  const points = curve.map(([at, value]) => ({ at: millisOf(at), value }));
  return points.flatMap((point, n) => {
    const before = points[n - 1];
    return before !== undefined && point.at - before.at > GAP_MAX_SECONDS * 1000 ? [null, point] : [point];
  });
}

const shape = (kind: Mark['kind']): string => symbol(SHAPES[kind], SYMBOL_AREA).digits(1)() ?? '';

/** Shows the highest value of each stretch of time, and the marks, in order. */
function table({ title, curve, from, until, limit, marks }: Plot): Html {
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const each = Math.max(1, Math.ceil(shown.length / ROWS_MAX));
  const highest = [...Map.groupBy(shown.entries(), ([n]) => Math.floor(n / each)).values()].map((some) =>
    some.map(([, sample]) => sample).reduce((most, sample) => (sample[1] > most[1] ? sample : most)),
  );
  const rows = [
    ...highest.map(([at, value]) => ({
      at,
      text: `${short(value)}${limit !== null && value > limit ? ', above the limit' : ''}`,
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
              <td class="when">${second(at)}</td>
              <td>${text}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const second = (at: Timestamp): string => at.slice(11, 19);
const clock = (millis: number): string => timestamp(millis).slice(11, 16);
const round = (pixels: number): number => Math.round(pixels * 10) / 10;
const short = (value: number): string => String(Number(value.toPrecision(3)));
