import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { evidenceOf, type Measured, type PromMetric } from '../../../core/domain/judge/measured-evidence.ts';
import { judge } from '../../../core/domain/judge/judge.ts';
import { wholeOfHealth } from '../../../core/domain/catalogue/health.ts';
import { byInstance, INSTANCE_LABELS } from '../../../core/domain/correlation/query.ts';
import { type JudgedMetric, type LookPair, WARM_UP_SECONDS } from '../../../core/domain/look/verdict.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Series } from '../../../core/domain/ports/metrics.ts';
import type { EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { Look } from '../../../schemas/incidents/look.ts';
import { millisOf, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { judgeSettings, storable } from '../judge/judge-version.ts';
import { queriesOf, readSeries } from '../judge/read-metric.ts';

/** Label by which the judge tells the two instances apart. */
const LABEL = 'version';

/** `windows`: number of compared windows. `curves`: by metric, of both instances. */
export type MeasuredLook = {
  metrics: readonly JudgedMetric[];
  windows: number;
  curves: readonly NonNullable<Look['curves']>[];
};

/** Compares the two instances since their warm-up with the sequential test of the judge, each named by its version. */
export async function measureLook(
  deps: Pick<Deps, 'config' | 'clock' | 'metricQueries' | 'judgeMetrics'>,
  look: Look,
  pair: LookPair,
): Promise<MeasuredLook> {
  const config = await deps.config.current();
  const settings = judgeSettings(deps, config, look);
  const step = settings.stepSeconds;
  const until = Math.floor(millisOf(deps.clock.now()) / 1000 / step) * step;
  const readyAt = Math.max(...[pair.suspect, pair.other].map(({ readyAt: at }) => seconds(at ?? deps.clock.now())));
  const metrics = settings.metrics.filter((one): one is PromMetric => one.kind !== 'http');
  const measured = await Promise.all(metrics.map((metric) => read(deps, metric, { look, pair, step, until })));
  const { evidence } = evidenceOf(
    measured,
    { step, until },
    // The first window covers two steps, and must not reach into the warm-up.
    {
      version: look.suspect,
      baseline: look.other,
      startedAt: readyAt + WARM_UP_SECONDS + 2 * step - 1,
      label: LABEL,
    },
  );
  const entry = environmentEntry(config.services, look);
  return {
    windows: evidence.look,
    metrics: judge(evidence, settings).metrics.map((judged, index) => ({
      judged: storable(judged),
      limit: limitOf(metrics[index], entry?.health),
    })),
    curves: measured.flatMap((one) => curvesOf(one, look)),
  };
}

const seconds = (at: Timestamp): number => millisOf(at) / 1000;

function limitOf(metric: PromMetric | undefined, health: EnvironmentEntry['health']): number | null {
  if (metric?.max !== undefined) return metric.max;
  return metric?.kind === 'ratio' && health !== undefined
    ? health.max / (wholeOfHealth({ ...health, called: health.promql }) ?? 1)
    : null;
}

async function read(
  { metricQueries }: Pick<Deps, 'metricQueries'>,
  metric: PromMetric,
  { look, pair, step, until }: { look: Look; pair: LookPair; step: number; until: number },
): Promise<Measured> {
  const byPod = queriesOf(metric, step).map(byInstance);
  if (!byPod.every((query) => query !== null))
    return { metric, read: { because: 'its query is not grouped by labels' } };
  const found = await readSeries(metricQueries, byPod, { from: look.started_at, until, step });
  const ofPair = (series: readonly Series[]): Series[] => series.flatMap((one) => ofLook(one, look, pair));
  return {
    metric,
    read: 'because' in found ? found : { first: ofPair(found.first), second: ofPair(found.second) },
  };
}

/** Returns a series with its version as the label, if it is of one of the two instances. */
function ofLook(series: Series, { suspect, other }: Look, pair: LookPair): Series[] {
  const is = (name: string): boolean => INSTANCE_LABELS.some((label) => series.labels[label] === name);
  const version = is(pair.suspect.name) ? suspect : is(pair.other.name) ? other : null;
  return version === null ? [] : [{ ...series, labels: { ...series.labels, [LABEL]: version } }];
}

/** Returns the curves of a metric for the timeline: shares of a ratio, else the values. */
function curvesOf({ metric, read: found }: Measured, { suspect, other }: Look): NonNullable<Look['curves']>[] {
  if (metric.kind === 'http' || metric.kind === 'latency' || !('first' in found)) return [];
  const of = (version: string) => {
    const own = ({ labels }: Series): boolean => labels[LABEL] === version;
    const [first, all] = [sumOf(found.first.filter(own)), sumOf(found.second.filter(own))];
    const points = metric.kind === 'ratio' ? all : first;
    return [...points].flatMap(([at, value]): [Timestamp, number][] => {
      const shown = metric.kind === 'ratio' ? (first.get(at) ?? 0) / value : value;
      return Number.isFinite(shown) ? [[timestamp(at * 1000), shown]] : [];
    });
  };
  return [{ metric: metric.name, suspect: of(suspect), other: of(other) }];
}

function sumOf(series: readonly Series[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { values } of series)
    for (const [at, value] of values) if (Number.isFinite(value)) sums.set(at, (sums.get(at) ?? 0) + value);
  return sums;
}
