import { scaleLinear, scaleUtc } from 'd3-scale';
import { line } from 'd3-shape';
import { html } from 'hono/html';
import type { Curve } from '../../core/domain/correlation/evidence.ts';
import { millisOf, timestamp, type Timestamp } from '../../schemas/time/time.ts';
import type { Html } from './parts.ts';
import {
  domainOf,
  gapSecondsOf,
  type Plot,
  plotText,
  type Point,
  secondsIn,
  outlineOf,
  showsDates,
  valueOf,
  VALUE_TICKS,
  visiblePoints,
  withGaps,
} from './plot-chart.ts';

const HEIGHT = 230;
const MARGIN = { top: 8, right: 10, bottom: 24, left: 46 };

/** Height of a row of marks with their labels, and their number at most: labels that find no place are in the legend only. */
const ROW_PIXELS = 15;
const ROWS_OF_MARKS = 3;

/** Approximate width of a character of a label. */
const CHAR_PIXELS = 6;

/** Widths in pixels: one picture for wide windows and one for phones, so that texts have a readable size in both. */
const WIDTHS = { wide: 720, narrow: 330 } as const;

/** Pixels between two times on the axis. */
const TICK_PIXELS = 90;

/** Draws the picture of a plot for one width. */
export function drawing(chart: Plot, size: keyof typeof WIDTHS): Html {
  const { curve, from, until, limit, lower, marks, lanes = [], forecast = [], beside, height = HEIGHT } = chart;
  const width = WIDTHS[size];
  const shown = curve.filter(([at]) => at >= from && at <= until);
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const x = scaleUtc([millisOf(from), millisOf(until)], [left, right]);
  const clampedX = (at: Timestamp): number => Math.round(Math.min(Math.max(x(millisOf(at)), left), right) * 10) / 10;
  const secondsOf = (at: Timestamp): number => Math.min(Math.max(secondsIn(chart, at), 0), secondsIn(chart, until));
  // The script moves it when the time is zoomed.
  const movedTo = (at: Timestamp): Html => html`data-at="${secondsOf(at)}" transform="translate(${clampedX(at)})"`;
  const placed = placedMarks(
    marks.map(({ at, label }) => ({ x: clampedX(at), label })),
    right,
  );
  const rows = Math.max(0, ...placed.map((place) => (place?.row ?? -1) + 1));
  const [top, bottom] = [MARGIN.top + (rows + lanes.length) * ROW_PIXELS, height - MARGIN.bottom];
  const y = scaleLinear(domainOf(chart), [bottom, top]);
  // Times of a fraction of a second would have the same text.
  const ticks = x
    .ticks(Math.max(2, Math.floor((right - left) / TICK_PIXELS)))
    .filter((at) => at.getTime() % 1000 === 0);
  const hasSeconds = ticks.some((at) => at.getTime() % 60_000 !== 0);
  const path = line<Point | null>()
    .digits(1)
    .defined((point) => point !== null)
    .x((point) => x(point?.at ?? 0))
    .y((point) => y(point?.value ?? 0));
  const gap = gapSecondsOf(chart);
  const pathOf = (one: Curve): string => path(visiblePoints(withGaps(one, gap), (at) => Math.floor(x(at)))) ?? '';
  const valueTicks = y
    .ticks(Math.max(2, Math.min(VALUE_TICKS, Math.floor((bottom - top) / 25))))
    .filter((value) => chart.shape !== 'bars' || Number.isInteger(value));
  const box = `0 0 ${width} ${height}`;
  return html`<svg class="${size}" viewBox="${box}" data-top="${top}" role="img" aria-label="${plotText(chart)}">
    ${valueTicks.map(
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
        html`<text class="time" x="${roundPixels(x(at))}" y="${height - 6}"
          >${hasSeconds ? at.toISOString().slice(11, 19) : tickText(at.getTime(), chart)}</text
        >`,
    )}
    ${marks.map(({ from: first, until: last }) =>
      first === undefined || last === undefined
        ? ''
        : html`<rect
            class="bounds"
            data-at="${secondsOf(first)}"
            data-until="${secondsOf(last)}"
            x="${clampedX(first)}"
            y="${top}"
            width="${roundPixels(Math.max(1, clampedX(last) - clampedX(first)))}"
            height="${bottom - top}"
          />`,
    )}
    ${[limit, lower?.value].map((value) =>
      value == null ? '' : html`<path class="limit" d="M${left},${roundPixels(y(value))}H${right}" />`,
    )}
    ${
      chart.shape === 'bars'
        ? html`<path class="bars" d="${barsPath(shown, { x: clampedX, y, left })}" />`
        : html`<path class="curve" d="${pathOf(shown)}" />`
    }
    ${chart.dots === true ? html`<path class="dots" d="${dotsPath(shown, clampedX, y)}" />` : ''}
    ${lanes.map(
      ({ kind, at }, n) =>
        html`<g transform="translate(0,${top - ROW_PIXELS * (lanes.length - n) + ROW_PIXELS / 2 - 2})">
          ${apart(at.filter((one) => one >= from && one <= until)).map(
            (one) => html`<path class="event" d="${outlineOf(kind)}" ${movedTo(one)} />`,
          )}
        </g>`,
    )}
    ${(beside?.others ?? []).map((one, n) => html`<path class="curve beside line-${n + 1}" d="${pathOf(one.curve)}" />`)}
    ${forecast.length === 0 ? '' : html`<path class="curve forecast" d="${path(withGaps(forecast, Infinity)) ?? ''}" />`}
    ${marks.map(({ kind, at, label }, n) => {
      const place = placed[n] ?? null;
      const middle = place === null ? top + UNPLACED_PIXELS : MARGIN.top + place.row * ROW_PIXELS + 4;
      return html`<g class="mark ${kind}" ${movedTo(at)}>
        <path class="at" d="M0,${middle}V${bottom}" />
        <path d="${outlineOf(kind)}" transform="translate(0,${middle})" />
        ${
          place === null
            ? ''
            : html`<text class="label ${place.anchor}" x="${place.anchor === 'start' ? 8 : -8}" y="${middle + 4}"
                >${label}</text
              >`
        }
      </g>`;
    })}
  </svg>`;
}

/** Returns one of the times of each minute: the others would be drawn over it. */
const apart = (all: readonly Timestamp[]): Timestamp[] => [...new Map(all.map((at) => [at.slice(0, 16), at])).values()];

/** A mark in its row. `anchor`: the end of its label that is at the mark. Null: its label finds no place. */
type PlacedMark = { row: number; anchor: 'start' | 'end' } | null;

type Labelled = { x: number; label: string };

/** Pixels below the upper edge of the values at which the line of a mark without a label begins: below the labels of others. */
const UNPLACED_PIXELS = 5;

/**
 * Places labels at their marks, in the first row in which they cover no other one. The line of a mark goes down from its row,
 * so it must cross no label of a lower row. The order in which marks are placed can leave a label without a place, so the
 * other order is tried, too.
 */
function placedMarks(marks: readonly Labelled[], right: number): PlacedMark[] {
  const count = (places: readonly PlacedMark[]): number => places.filter((place) => place !== null).length;
  const [first, last] = [placedInOrder(marks, right), placedInOrder(marks.toReversed(), right).toReversed()];
  return count(last) > count(first) ? last : first;
}

function placedInOrder(marks: readonly Labelled[], right: number): PlacedMark[] {
  const placed: { row: number; x: number; from: number; to: number; text: Span }[] = [];
  return marks.map(({ x, label }) => {
    const width = 14 + label.length * CHAR_PIXELS;
    for (let row = 0; row < ROWS_OF_MARKS; row += 1)
      for (const anchor of ['start', 'end'] as const) {
        const [from, to] = anchor === 'start' ? [x - 7, x + width] : [x - width, x + 7];
        const text: Span = anchor === 'start' ? [x, to] : [from, x];
        const isFree = placed.every((other) =>
          other.row === row
            ? from >= other.to || other.from >= to
            : other.row < row
              ? !crosses(other.x, text)
              : !crosses(x, other.text),
        );
        if (from < 0 || to > right + MARGIN.right || !isFree) continue;
        placed.push({ row, x, from, to, text });
        return { row, anchor };
      }
    return null;
  });
}

/** Pixels from the mark of a label to the end of its text. With a zoom, others only come further away from the mark. */
type Span = [from: number, to: number];

const crosses = (x: number, [from, to]: Span): boolean => x > from && x < to;

/** Space between two bars in pixels. */
const BAR_SPACE = 2;

/** Draws a bar for each value, from the time of the one before it. */
function barsPath(
  curve: Curve,
  { x, y, left }: { x: (at: Timestamp) => number; y: (value: number) => number; left: number },
): string {
  const usual = (curve[1] === undefined ? left : x(curve[1][0])) - (curve[0] === undefined ? left : x(curve[0][0]));
  return curve
    .map(([at, value], n) => {
      const before = curve[n - 1];
      const from = before === undefined ? Math.max(left, x(at) - usual) : x(before[0]);
      const width = Math.max(1, x(at) - from - BAR_SPACE);
      return value === 0
        ? ''
        : `M${roundPixels(from + BAR_SPACE / 2)},${roundPixels(y(0))}V${roundPixels(y(value))}h${roundPixels(width)}V${roundPixels(y(0))}Z`;
    })
    .join('');
}

/** Returns the label of a tick: midnight has its date if the plot shows dates. */
const tickText = (millis: number, chart: Plot): string => {
  const at = timestamp(millis);
  return showsDates(chart) && at.slice(11, 16) === '00:00' ? at.slice(5, 10) : at.slice(11, 16);
};

/** Draws a dot for each value: a line without length, with round ends. */
const dotsPath = (curve: Curve, x: (at: Timestamp) => number, y: (value: number) => number): string =>
  curve.map(([at, value]) => `M${x(at)},${roundPixels(y(value))}h0`).join('');

const roundPixels = (pixels: number): number => Math.round(pixels * 10) / 10;
