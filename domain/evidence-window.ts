import { anatomyOf } from '../schemas/openslo/anatomy.ts';
import { PromqlError } from '../schemas/openslo/promql.ts';
import type { Signal } from '../schemas/signal.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Whether an alert may fire for what failed before `mitigatedAt`: it began before, or what it is computed over reaches
 * back to before. An alert that does not tell its window has none.
 */
export const looksBackBefore = (signal: Signal, mitigatedAt: Timestamp): boolean =>
  secondsBetween(mitigatedAt, signal.startsAt) < windowSeconds(signal);

/** The shortest window has to be bad, too, so an alert ends when that one is free of the failure. */
function windowSeconds({ labels, links }: Signal): number {
  const label = (name: string): string | undefined => labels.find(([key]) => key === name)?.[1];
  const told = label('short_window') ?? label('long_window');
  const windows = told === undefined ? rangesOf(links.source) : [told];
  const seconds = windows.flatMap((text) => secondsOf(text) ?? []);
  return seconds.length === 0 ? 0 : Math.min(...seconds);
}

function secondsOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const size = UNIT_SECONDS[unit];
  return count === undefined || size === undefined ? undefined : Number(count) * size;
}

/** The ranges in the expression of the rule that fired, as Prometheus links to it: `…/graph?g0.expr=…`. */
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
