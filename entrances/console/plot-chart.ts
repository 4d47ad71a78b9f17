import { scaleLinear } from 'd3-scale';
import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3-shape';
import type { Curve } from '../../core/domain/correlation/evidence.ts';
import { millisOf, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { Html } from './parts.ts';

/** Shapes, so that marks differ without color. */
const SHAPES = {
  deploy: symbolTriangle,
  onset: symbolDiamond,
  alert: symbolCircle,
  rollback: symbolSquare,
  recovered: symbolStar,
  now: symbolWye,
  forecast: symbolCross,
} as const;

/** A moment that the plot marks. `from` and `until`: its bounds, if it is known only roughly. */
export type Mark = { kind: keyof typeof SHAPES; at: Timestamp; label: string; from?: Timestamp; until?: Timestamp };

/** Times of one kind of event, drawn in a row of their own, for events that are too many for a mark with a label each. */
export type Lane = { kind: Mark['kind']; name: string; at: readonly Timestamp[] };

/** How values are written: multiplied by `factor`, with three digits, followed by `suffix`. */
export type Unit = { factor: number; suffix: string };

/** A share from 0 to 1, in percent. */
export const SHARE: Unit = { factor: 100, suffix: ' %' };

export const NUMBER: Unit = { factor: 1, suffix: '' };

/** A curve over time, with a limit and marks. */
export type Plot = {
  /** Unique on the page. */
  id: string;
  /** What the values are, such as `Health of checkout production`. */
  title: string;
  curve: Curve;
  /** What the legend and the pointer call the values, if they stand beside others. Absent: nothing. */
  name?: string;
  from: Timestamp;
  until: Timestamp;
  /** Values above it are bad. Null: there is none. */
  limit: number | null;
  marks: readonly Mark[];
  /** Rows of events above the values. Absent: there are none. */
  lanes?: readonly Lane[];
  /** What the limit means. Absent: `limit`. */
  limitName?: string;
  /** A second limit; values below it are bad. Absent: there is none. */
  lower?: { value: number; name: string };
  /** The highest value of the axis. Absent: the highest of the curve. */
  top?: number;
  /** Absent: numbers. */
  unit?: Unit;
  /** Formats a value. Absent: as `unit` says. */
  format?: (value: number) => string;
  /** `bars`: each value counts what happened since the one before it. Absent: a line. */
  shape?: 'line' | 'bars';
  /** Each value is of the days, as many as this, that end at its time. Absent: it is of its time. */
  days?: number;
  /** Each value has a dot, so that one between two gaps is visible. */
  dots?: boolean;
  /** Height in pixels of the picture. Absent: 230. */
  height?: number;
  /** Plots of one group have the same times: they share the pointer and the zoom. Absent: it is alone. */
  group?: string;
  /** A longer pause between samples is shown as a gap. Absent: three of their usual intervals. */
  gapSeconds?: number;
  /** Further curves, drawn with dashes, and the name of the first one. Absent: there is one. */
  beside?: { ownName: string; others: readonly { name: string; curve: Curve }[] };
  /** How the curve is expected to continue; drawn with dashes. */
  forecast?: Curve;
  /** The data as a table. Absent: times with values and events. Null: the page has it elsewhere. */
  table?: Html | null;
};

/** Part of the intervals between samples that are usual ones: a curve can have several resolutions. */
const USUAL = 0.9;

/** Distance of two samples, in the longest usual intervals, from which on it is a gap. */
const GAP_INTERVALS = 3;

/** Returns the seconds between two samples of a plot from which on nothing connects them. */
export function gapSecondsOf({ gapSeconds, curve }: Plot): number {
  if (gapSeconds !== undefined) return gapSeconds;
  const intervals = curve.slice(1).map(([at], n) => secondsBetween(curve[n]?.[0] ?? at, at));
  const longest = intervals.toSorted((a, b) => a - b)[Math.floor((intervals.length - 1) * USUAL)];
  return GAP_INTERVALS * Math.max(1, longest ?? 0);
}

/** Approximate number of values on the axis. */
export const VALUE_TICKS = 4;

/** Square pixels of a mark. */
const SYMBOL_AREA = 64;

/** Returns the seconds since the first time of a plot. */
export const secondsIn = ({ from }: Plot, at: Timestamp): number =>
  Math.round((millisOf(at) - millisOf(from)) / 100) / 10;

/** Returns the outline of a mark around its point. */
export const outlineOf = (kind: Mark['kind']): string => symbol(SHAPES[kind], SYMBOL_AREA).digits(1)() ?? '';

/** Returns the lowest and the highest value of the axis. */
export function domainOf({
  curve,
  from,
  until,
  limit,
  lower,
  top,
  shape,
  forecast = [],
  beside,
}: Plot): [number, number] {
  const shown = [curve, ...(beside?.others ?? []).map((one) => one.curve)]
    .flat()
    .filter(([at]) => at >= from && at <= until)
    .map(([, value]) => value);
  const highest = shown.reduce((max, value) => Math.max(max, value), Math.max(limit ?? 0, 0));
  const lowest = [...shown, ...forecast.map(([, value]) => value), lower?.value ?? 0, limit ?? 0, 0].reduce(
    (min, value) => Math.min(min, value),
  );
  const room = shape === 'bars' ? 1 : 1.05;
  const y = scaleLinear([lowest, top ?? (highest === 0 ? 1 : highest * room)], [1, 0]);
  if (top === undefined || lowest < 0) y.nice(VALUE_TICKS);
  const [low = 0, high = 1] = y.domain();
  return [low, high];
}

/** Describes what the plot shows, for people who do not see it. */
export function plotText(chart: Plot): string {
  const { title, curve, from, until, limit, marks, lanes = [], beside } = chart;
  const rangeOf = (one: Curve): string => {
    const values = one.filter(([at]) => at >= from && at <= until).map(([, value]) => value);
    return values.length === 0
      ? 'no samples'
      : `${values.length} samples between ${valueOf(Math.min(...values), chart)} and ${valueOf(Math.max(...values), chart)}`;
  };
  const range =
    beside === undefined
      ? rangeOf(curve)
      : [{ name: beside.ownName, curve }, ...beside.others]
          .map((one) => `${one.name} ${rangeOf(one.curve)}`)
          .join(', ');
  return [
    `${title} from ${timeOf(from, chart)} to ${timeOf(until, chart)} UTC: ${range}${limit === null ? '' : `, ${chart.limitName ?? 'limit'} ${valueOf(limit, chart)}`}${chart.lower === undefined ? '' : `, ${chart.lower.name} ${valueOf(chart.lower.value, chart)}`}`,
    ...lanes.map(({ name, at }) => `${name}: ${at.length}`),
    ...marks.map(({ label, at, from: first, until: last }) =>
      first === undefined || last === undefined || first === last
        ? `${label} at ${timeOf(at, chart)}`
        : `${label} at ${timeOf(at, chart)}, between ${timeOf(first, chart)} and ${timeOf(last, chart)}`,
    ),
  ].join('. ');
}

export type Point = { at: number; value: number };

/** Returns the pauses between samples that are gaps, from the last sample before to the first one after. */
export const gapsOf = (curve: Curve, seconds: number): [from: Timestamp, until: Timestamp][] =>
  curve.slice(1).flatMap(([until], n): [Timestamp, Timestamp][] => {
    const from = curve[n]?.[0] ?? until;
    return secondsBetween(from, until) > seconds ? [[from, until]] : [];
  });

/** Separates samples with a long pause between them. */
export function withGaps(curve: Curve, seconds: number): (Point | null)[] {
  const points = curve.map(([at, value]) => ({ at: millisOf(at), value }));
  return points.flatMap((point, n) => {
    const before = points[n - 1];
    return before !== undefined && point.at - before.at > seconds * 1000 ? [null, point] : [point];
  });
}

/** Returns the points that are visible: of those in one column of pixels, the first, the last, the lowest, and the highest. */
export function visiblePoints(points: readonly (Point | null)[], columnOf: (at: number) => number): (Point | null)[] {
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

/** A longer plot shows dates beside its times. */
const DATES_FROM_MILLIS = 36 * 3_600_000;
export const showsDates = ({ from, until }: Plot): boolean => millisOf(until) - millisOf(from) > DATES_FROM_MILLIS;
export const timeOf = (at: Timestamp, chart: Plot): string =>
  showsDates(chart) ? `${at.slice(0, 10)} ${at.slice(11, 16)}` : at.slice(11, 19);

export const valueOf = (value: number, { format, unit = NUMBER }: Plot): string =>
  format === undefined ? `${Number((value * unit.factor).toPrecision(3))}${unit.suffix}` : format(value);
