import {
  COMPARED_SECONDS,
  evidenceOf,
  type Grid,
  HISTORY_SECONDS,
  type Measured,
  metricsByTime,
  type RecordedDeploy,
} from '../../../core/domain/judge/measured-evidence.ts';
import type { Judgement, MetricEvidence, MetricJudgement } from '../../../core/domain/judge/evidence.ts';
import { judge } from '../../../core/domain/judge/judge.ts';
import { needsControls } from '../../../core/domain/judge/controls.ts';
import { healthOf } from '../../../core/domain/catalogue/health.ts';
import { environmentEntry, objectivesFor } from '../../../core/domain/catalogue/catalogue.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { isCalled } from '../../../core/domain/changes/identified-versions.ts';
import { byStart, endOf, liveChanges, putsVersionLive, sameVersion } from '../../../core/domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { branchLabels, type LabelReader } from '../../../core/domain/correlation/branch-labels.ts';
import type { Series } from '../../../core/domain/ports/metrics.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { JudgeConfig, type JudgeMetric } from '../../../schemas/judge/judge-config.ts';
import type { HttpSample, JudgementRequest, JudgementView } from '../../../schemas/judge/judgement.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { withControls } from './controls.ts';
import { readMetric } from './read-metric.ts';
import { millisOf, secondsBetween, type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/** Newest changes among which the start of a version is searched. */
const CHANGES_READ = 50;

export type JudgeDeps = Pick<Deps, 'config' | 'metricQueries' | 'judgeMetrics' | 'clock'> & {
  changes: Pick<Deps['changes'], 'recent'>;
};

/**
 * Judges a version by what was measured since its start. Within one step, each request gets the same answer, so asking
 * often does not increase false alarms.
 *
 * @param samples measurements over HTTP of all checks so far. Absent: metrics over HTTP do not count, because one
 *   measurement says little
 * @param known what the caller knows of the version
 */
export async function judgeVersion(
  deps: JudgeDeps,
  request: JudgementRequest,
  samples?: readonly HttpSample[],
  known?: Known,
): Promise<JudgementView> {
  const { version, baseline } = request;
  if (baseline !== null && sameVersion(version, baseline))
    throw new Refusal(
      422,
      'invalid',
      `baseline and version are the same; name the version before ${version}, or leave baseline out`,
    );
  return (await judgeMeasured(deps, request, samples, known)).judgement;
}

/** `limits`: of metrics that have none of their own. `deploy`: when the version took over. Absent: as recorded. */
type Known = { limits?: Limits; deploy?: RecordedDeploy };

/** Judges a version, and returns whether anything could be read to judge it by. */
export async function judgeMeasured(
  deps: JudgeDeps,
  request: JudgementRequest,
  samples?: readonly HttpSample[],
  { limits, deploy: knownDeploy }: Known = {},
): Promise<{ judgement: JudgementView; isMeasured: boolean }> {
  const { service, environment, version } = request;
  const config = await deps.config.current();
  const allSettings = withLimits(judgeSettings(deps, config, request), limits);
  const settings =
    samples === undefined
      ? { ...allSettings, metrics: allSettings.metrics.filter(({ kind }) => kind !== 'http') }
      : allSettings;
  const now = deps.clock.now();
  const step = settings.stepSeconds;
  const grid: Grid = { step, until: Math.floor(millisOf(now) / 1000 / step) * step };
  const [read, recent] = await Promise.all([
    Promise.all(settings.metrics.map((metric) => readMetric(deps, metric, { grid, samples: samples ?? [] }))),
    deps.changes.recent({ service, environment }, CHANGES_READ),
  ]);
  const change = changeOf(recent, version);
  const history = change && historyOf(recent, change);
  const deploy = knownDeploy ?? (history === undefined ? null : deployOf(recent, history));
  const notBefore = knownDeploy === undefined && history !== undefined ? whyNotBefore(history, request) : undefined;
  const labels = branchLabels(recent, timestamp((grid.until - COMPARED_SECONDS - HISTORY_SECONDS) * 1000));
  const measured = read.map((one) => withLabels(one, settings.versionLabel, labels));
  const named = (given: string): string => labels?.(given) ?? given;
  const { baseline } = request;
  const { evidence, since } = evidenceOf(measured, grid, {
    version: named(version),
    baseline: baseline && named(baseline),
    startedAt: knownDeploy?.startedAt ?? (change === undefined ? null : millisOf(change.started_at) / 1000),
    label: settings.versionLabel,
    ...(deploy !== null && { deploy }),
    ...(notBefore !== undefined && { notBefore }),
  });
  const first = judge(evidence, settings);
  const judged =
    since !== null && needsControls(first)
      ? judge(
          await withControls(config, { evidence, request, grid, since }, (...of) => readByTime(deps, config, ...of)),
          settings,
        )
      : first;
  const { verdict } = judged;
  const metrics = judged.metrics.map(storable);
  const judgement: JudgementView = {
    service,
    environment,
    version,
    baseline: evidence.baseline,
    verdict,
    reasons: metrics.length === 0 ? [withoutMetrics(config, request, allSettings)] : reasonsOf({ verdict, metrics }),
    metrics,
    since: since === null ? null : timestamp((since - step) * 1000),
    judged_at: timestamp(grid.until * 1000),
  };
  return { judgement, isMeasured: measured.some(({ read: found }) => !('because' in found)) };
}

/** Both reads of a judgement must be over before Argo Rollouts and Flagger stop waiting. */
const CONTROL_TIMEOUT_MS = 3_000;

async function readByTime(
  deps: JudgeDeps,
  config: Config,
  of: ServiceEnvironment,
  grid: Grid,
  since: number,
): Promise<MetricEvidence[]> {
  const { metrics, versionLabel } = judgeSettings(deps, config, of);
  const measured = await Promise.all(
    metrics
      .filter(({ kind }) => kind !== 'http')
      .map((metric) => readMetric(deps, metric, { grid, samples: [], timeoutMs: CONTROL_TIMEOUT_MS })),
  );
  return metricsByTime(measured, grid, versionLabel, since);
}

/** Magnitudes that DynamoDB can store, with a margin: probabilities by chance can be smaller. */
const SMALLEST = 1e-100;
const GREATEST = 1e100;

/** Returns a number that can be stored. */
export function storableNumber(value: number | null): number | null {
  if (value === null || Number.isNaN(value)) return null;
  return Math.abs(value) < SMALLEST ? 0 : Math.max(-GREATEST, Math.min(GREATEST, value));
}

/** Returns the judgement of a metric with numbers that can be stored. */
export const storable = (metric: MetricJudgement): MetricJudgement => ({
  ...metric,
  version: storableNumber(metric.version),
  baseline: storableNumber(metric.baseline),
  change: storableNumber(metric.change),
  p: storableNumber(metric.p),
});

/** Returns the reasons of the metrics that decided. */
const reasonsOf = ({ verdict, metrics }: Judgement): string[] =>
  metrics.filter((metric) => metric.verdict === verdict).map(({ name, reason }) => `${name}: ${reason}`);

function withoutMetrics(
  config: Config,
  { service, environment }: ServiceEnvironment,
  { metrics }: JudgeConfig,
): string {
  if (environmentEntry(config.services, { service, environment }) === undefined)
    return `${service} ${environment} is not in the catalogue (services.yaml)`;
  return metrics.length > 0
    ? 'all metrics of the service are measured over HTTP, which only watches and canaries do'
    : 'no metrics: add judge.metrics in services.yaml, or an objective that counts requests';
}

/** Returns the settings of a service and environment, with metrics of its objectives or health query if it lists none. */
export function judgeSettings(
  { judgeMetrics }: Pick<Deps, 'judgeMetrics'>,
  config: Config,
  { service, environment }: ServiceEnvironment,
): JudgeConfig {
  const entry = environmentEntry(config.services, { service, environment });
  const settings = entry?.judge ?? JudgeConfig.parse({});
  if (settings.metrics.length > 0 || entry === undefined) return settings;
  const slos = objectivesFor(config, { service, environment });
  const health = healthOf(config, { service, environment });
  return { ...settings, metrics: judgeMetrics.derived({ slos, health }, settings.versionLabel) };
}

/** A share, and seconds at the 95 % quantile. */
type Limits = { errorRatio: number; p95Seconds: number };

const withLimits = (settings: JudgeConfig, limits: Limits | undefined): JudgeConfig =>
  limits === undefined
    ? settings
    : {
        ...settings,
        metrics: settings.metrics.map((metric) => ({ ...metric, max: metric.max ?? limitOf(metric, limits) })),
      };

function limitOf(metric: JudgeMetric, { errorRatio, p95Seconds }: Limits): number | undefined {
  switch (metric.kind) {
    case 'ratio':
      return errorRatio;
    case 'latency':
      return metric.quantile === 0.95 ? p95Seconds : undefined;
    case 'value':
    case 'http':
      return undefined;
  }
}

/** Names the versions of series and samples by their commits. A label that tells no version is left out. */
function withLabels(measured: Measured, label: string, labels: LabelReader | undefined): Measured {
  const { read } = measured;
  if (labels === undefined || 'because' in read) return measured;
  if (!('first' in read))
    return {
      ...measured,
      read: read.map((sample) => ({ ...sample, version: labels(sample.version) ?? sample.version })),
    } as Measured;
  const named = (all: readonly Series[]): Series[] =>
    all.map((series) => {
      const { [label]: value, ...others } = series.labels;
      const version = value === undefined ? null : labels(value);
      return { ...series, labels: version === null ? others : { ...others, [label]: version } };
    });
  return { ...measured, read: { ...read, first: named(read.first), second: named(read.second) } } as Measured;
}

/** Returns the version's newest change. The name of a branch is its newest commit. Undefined: it is not recorded. */
const changeOf = (recent: readonly Change[], version: string): Change | undefined =>
  recent.findLast((other) => putsVersionLive(other) && isCalled(other, version));

/** What ran before a change of a version. */
type History = {
  change: Change;
  /** The change with which the version began to serve: it can have been deployed again since. */
  first: Change;
  /** The version itself served for the whole time before its change with which it would be compared. */
  isSame: boolean;
  /** The changes that put other versions live before this one, oldest first. */
  others: readonly Change[];
};

function historyOf(recent: readonly Change[], change: Change): History {
  const live = liveChanges(recent);
  const others = live.filter((other) => byStart(other, change) < 0 && !sameVersion(other.version, change.version));
  const previous = others.at(-1);
  const first =
    live.find(
      (other) => sameVersion(other.version, change.version) && (previous === undefined || byStart(other, previous) > 0),
    ) ?? change;
  const isSame = secondsBetween(first.started_at, change.started_at) >= HISTORY_SECONDS;
  return { change, first, isSame, others };
}

function deployOf(recent: readonly Change[], { change, first, isSame, others }: History): RecordedDeploy {
  const seconds = (at: Timestamp): number => millisOf(at) / 1000;
  const next = liveChanges(recent).find(
    (other) => byStart(other, change) > 0 && !sameVersion(other.version, change.version),
  );
  return {
    startedAt: seconds((isSame ? change : first).started_at),
    endedAt: change.status === 'succeeded' && (change.canary_weight ?? 1) === 1 ? seconds(endOf(change)) : null,
    previous: isSame ? null : (others.at(-1)?.version ?? null),
    ...(next !== undefined && { replacedAt: seconds(next.started_at) }),
  };
}

/** Returns why the version before a change was not the baseline that a request names. Undefined: it was, or none is named. */
function whyNotBefore(
  { isSame, others }: History,
  { version, baseline }: Pick<JudgementRequest, 'version' | 'baseline'>,
): string | undefined {
  if (baseline === null) return undefined;
  const isBaseline = (other: Change): boolean =>
    isCalled(other, baseline) || (other.commit !== null && sameVersion(other.commit, baseline));
  const previous = others.at(-1);
  if (previous !== undefined && isBaseline(previous))
    return isSame ? `${version} had served before, for an hour or more, when it was deployed again` : undefined;
  return previous !== undefined && others.some(isBaseline)
    ? `${previous.version} was deployed between ${baseline} and ${version}`
    : `no deploy of ${baseline} before ${version} is recorded`;
}
