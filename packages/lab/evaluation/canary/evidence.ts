import type {
  Control,
  InWindow,
  Histogram,
  CanaryEvidence,
  MetricEvidence,
} from '../../../../core/domain/judge/evidence.ts';
import { AFTER, BOUNDS, type Recording, type Scene } from './world.ts';
import { increase } from './scrape.ts';

/** Seconds between two looks, which are the judge's evaluations. The range of a query is twice as long. */
export const STEP = 30;
const RANGE = 2 * STEP;

export const LOOKS = AFTER / STEP;

/** Seconds of the baseline before the start. */
const HISTORY = 60 * 60;

export const QUANTILE = 0.95;

export type Phases = { old: number; new: number };

/** Returns what monitoring shows at a look, from 1. Only what has been scraped until then is in it. */
export function evidenceAt(scene: Scene, look: number, phases: Phases, form: 'buckets' | 'quantiles'): CanaryEvidence {
  const looks = Array.from({ length: look }, (_, index) => scene.start + (index + 1) * STEP);
  const until = scene.start + look * STEP;
  const before = Array.from({ length: HISTORY / RANGE }, (_, index) => scene.start - HISTORY + (index + 1) * RANGE);
  const disjoint = looks.filter((at) => (until - at) % RANGE === 0);
  const side = <T extends object>(which: 'old' | 'new', times: readonly number[], of: Reading<T>) =>
    times.flatMap((at): InWindow<T>[] => {
      const value = of(scene[which], phases[which], at);
      return value === null ? [] : [{ at, ...value }];
    });
  const alone = <T extends object>(
    recording: Recording,
    times: readonly number[],
    of: (scale: number) => Reading<T>,
  ) => {
    const windows = (ends: readonly number[], scale: number) =>
      ends.flatMap((at): InWindow<T>[] => {
        const value = of(scale)(recording, phases.old, at);
        return value === null ? [] : [{ at, ...value }];
      });
    return { version: windows(times, 0.5), history: windows(before, 1) };
  };
  const sides = <T extends object>(times: readonly number[], of: (scale: number) => Reading<T>) => ({
    version: side('new', times, of(0.5)),
    baseline: side('old', times, of(0.5)),
    history: side('old', before, of(1)),
    earlier: scene.days.map((day, index) => ({ name: `day ${index}`, ...alone(day, times, of) })),
  });
  const errors: MetricEvidence = {
    kind: 'ratio',
    name: 'errors',
    max: null,
    ignoreBelow: 0.002,
    ...sides(looks, counts),
  };
  const latency: MetricEvidence =
    form === 'buckets'
      ? { kind: 'latency', name: 'latency', quantile: QUANTILE, max: null, ignoreBelow: 0, ...sides(looks, histograms) }
      : {
          kind: 'value',
          name: 'latency',
          worse: 'higher',
          max: null,
          ignoreBelow: 0,
          ...sides(disjoint, () => slowest),
        };
  const controls = scene.neighbors.map((neighbor, index): Control => {
    const common = { max: null, ignoreBelow: 0 };
    const metrics: MetricEvidence[] = [
      { kind: 'ratio', name: 'errors', ...common, baseline: [], ...alone(neighbor, looks, counts) },
      ...(form === 'buckets'
        ? [
            {
              kind: 'latency' as const,
              name: 'latency',
              quantile: QUANTILE,
              ...common,
              baseline: [],
              ...alone(neighbor, looks, histograms),
            },
          ]
        : []),
    ];
    return { name: `neighbor ${index}`, relation: 'neighbor', metrics };
  });
  return { version: 'new', baseline: 'old', look, metrics: [errors, latency], controls };
}

type Reading<T> = (recording: Recording, phase: number, at: number) => T | null;

const counts =
  (scale: number): Reading<{ total: number; bad: number }> =>
  (recording, phase, at) => {
    const target = { ...recording, phase };
    const total = increase(recording.requests, target, at, RANGE);
    const bad = increase(recording.errors, target, at, RANGE);
    return total === null || bad === null ? null : { total: total * scale, bad: bad * scale };
  };

const histograms =
  (scale: number): Reading<Histogram> =>
  (recording, phase, at) => {
    const target = { ...recording, phase };
    const total = increase(recording.requests, target, at, RANGE);
    if (total === null) return null;
    const within = BOUNDS.map(
      (bound, index) =>
        [bound, scale * (increase(recording.within[index] ?? recording.requests, target, at, RANGE) ?? 0)] as const,
    );
    return { buckets: [...within, [Infinity, Math.max(scale * total, within.at(-1)?.[1] ?? 0)]] };
  };

/** Returns the quantile of a window, as `histogram_quantile` does. */
const slowest: Reading<{ value: number }> = (recording, phase, at) => {
  const value = quantileOf(histograms(1)(recording, phase, at));
  return value === null ? null : { value };
};

/** Returns the quantile before the start. */
export const usualQuantile = ({ old, start }: Scene): number => {
  const within = BOUNDS.map((bound, index) => [bound, old.within[index]?.[start - 1] ?? 0] as const);
  return quantileOf({ buckets: [...within, [Infinity, old.requests[start - 1] ?? 0]] }) ?? 0;
};

function quantileOf(histogram: Histogram | null): number | null {
  const { buckets } = histogram ?? { buckets: [] };
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const rank = QUANTILE * total;
  const index = buckets.findIndex(([, count]) => count >= rank);
  const [upper = Infinity, count = total] = buckets[index] ?? [];
  const [lower, previous] = buckets[index - 1] ?? [0, 0];
  return upper === Infinity ? lower : lower + ((upper - lower) * (rank - previous)) / (count - previous);
}
