import {
  type CheckFindings,
  dueAt,
  dueCheck,
  endedWatch,
  isWatchOver,
  earlyEndOf,
  withCheck,
} from '../../../core/domain/judge/watch.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { HttpMetric } from '../../../schemas/judge/judge-config.ts';
import { JudgementRequest } from '../../../schemas/judge/judgement.ts';
import type { WatchId, WatchRecord } from '../../../schemas/judge/watch.ts';
import { plusSeconds, secondsBetween, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { judgeMeasured, judgeSettings } from './judge-version.ts';
import { measureOverHttp } from './measure.ts';
import { reportFindings } from './report-findings.ts';

/** Newest changes among which a newer version is searched. */
const CHANGES_READ = 50;

/** Whether the watch is over; if not, the pause before the next attempt, in seconds of the product's time. */
export type Advanced = { over: boolean; pauseSeconds: number };

const OVER: Advanced = { over: true, pauseSeconds: 0 };
const AGAIN: Advanced = { over: false, pauseSeconds: 1 };

/** Puts this run in charge of a watch. `false`: another run is in charge, or the watch is over. */
export async function beginWatch(deps: Deps, id: WatchId, number: number, execution: string): Promise<boolean> {
  const watch = await deps.watches.get(id);
  if (watch === undefined || isWatchOver(watch) || watch.run !== number) return false;
  if (watch.execution === execution) return true;
  if (await deps.watches.put({ ...watch, execution })) return true;
  throw new Error(`Watch ${id} changed while its run started; retrying the step`);
}

/**
 * Does the check that is due, and stores its result; reports the findings of a watch that has ended. A check is stored
 * once, because it is stored only if nothing was stored since the watch was read.
 */
export async function advanceWatch(deps: Deps, id: WatchId): Promise<Advanced> {
  const watch = await deps.watches.get(id);
  if (watch === undefined || isWatchOver(watch)) return OVER;
  const next = watch.ended_at === null ? await withDueCheck(deps, watch) : await reportFindings(deps, watch);
  if (next !== watch && !(await deps.watches.put(next))) return AGAIN;
  if (isWatchOver(next)) return OVER;
  return next.ended_at === null ? { over: false, pauseSeconds: pauseBefore(deps, next) } : AGAIN;
}

function pauseBefore({ clock, timeScale }: Pick<Deps, 'clock' | 'timeScale'>, watch: WatchRecord): number {
  const due = dueAt(watch, watch.checks.length + 1, timeScale);
  return Math.max(1, Math.ceil(secondsBetween(clock.now(), due) * timeScale));
}

async function withDueCheck(deps: Deps, watch: WatchRecord): Promise<WatchRecord> {
  const [config, recent] = await Promise.all([deps.config.current(), deps.changes.recent(watch, CHANGES_READ)]);
  const isConfigured = environmentEntry(config.services, watch)?.watch !== undefined;
  const overtaking = earlyEndOf(watch, { recent, isConfigured });
  const now = deps.clock.now();
  if (overtaking !== undefined) return endedWatch(watch, overtaking.outcome, overtaking.reason, now);
  const number = dueCheck(watch, now, deps.timeScale);
  if (number === undefined) return watch;
  return withCheck(watch, number, await checkVersion(deps, watch), { now, timeScale: deps.timeScale });
}

async function checkVersion(deps: Deps, watch: WatchRecord): Promise<CheckFindings> {
  const { service, environment, version } = watch;
  const samples = [...watch.samples, ...(await measureOverHttp(deps, watch))];
  const request = JudgementRequest.parse({ service, environment, version });
  const { judgement, isMeasured } = await judgeMeasured(deps, request, samples);
  const { metrics } = judgeSettings(deps, await deps.config.current(), watch);
  const answered = firstAnswer(
    watch,
    samples,
    metrics.filter((metric) => metric.kind === 'http'),
  );
  const times = [judgement.since, answered].filter((at) => at !== null).toSorted();
  return { judgement, isMeasured, samples, servedAt: (times[0] as Timestamp | undefined) ?? null };
}

/** Returns when the version first answered over HTTP. Null: it has not. */
function firstAnswer({ version }: WatchRecord, samples: CheckFindings['samples'], metrics: readonly HttpMetric[]) {
  const failures = new Set(metrics.filter(({ value }) => value === 'failure').map(({ name }) => name));
  const first = samples.find(
    (sample) =>
      sample.version === version && sample.value !== null && !(failures.has(sample.metric) && sample.value > 0),
  );
  return first === undefined ? null : plusSeconds(timestamp(0), first.at);
}
