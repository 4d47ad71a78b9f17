import { anatomyOf } from '../../../schemas/parsing/promql-anatomy.ts';
import { PromqlError } from '../../../schemas/parsing/promql.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Returns whether an alert may fire because of failures before `mitigatedAt`: it began before, or its window reaches
 * back to before. An alert without a known window counts as having none.
 */
export const looksBackBefore = (signal: Signal, mitigatedAt: Timestamp): boolean =>
  secondsBetween(mitigatedAt, signal.startsAt) < windowSeconds(signal);

/**
 * Returns the length in seconds of the alert's shortest window, or 0 if none is known. Multi-window alerts fire only while all
 * windows exceed the threshold, so the alert ends once the shortest one no longer contains the failure.
 */
function windowSeconds({ labels, links }: Signal): number {
  const labelValue = (name: string): string | undefined => labels.find(([key]) => key === name)?.[1];
  const window = labelValue('short_window') ?? labelValue('long_window');
  const windows = window === undefined ? rangesOf(links.source) : [window];
  const seconds = windows.flatMap((text) => secondsOf(text) ?? []);
  return seconds.length === 0 ? 0 : Math.min(...seconds);
}

function secondsOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const size = UNIT_SECONDS[unit];
  return count === undefined || size === undefined ? undefined : Number(count) * size;
}

/** Returns the ranges in the expression of the rule, from Prometheus' generator URL: `…/graph?g0.expr=…`. */
function rangesOf(generatorUrl: string | null): string[] {
  const expression = generatorUrl === null ? null : URL.parse(generatorUrl)?.searchParams.get('g0.expr');
  if (expression == null) return [];
  try {
    return anatomyOf(expression).ranges;
  } catch (error) {
    if (error instanceof PromqlError) return [];
    throw error;
  }
}
