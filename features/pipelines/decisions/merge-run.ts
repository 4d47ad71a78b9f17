import type { ServiceName } from '../../../schemas/config/names.ts';
import {
  type PipelineRun,
  type PipelineRunId,
  type PipelineRunReport,
  type PipelineStage,
  type PipelineStatus,
  type StageReport,
  type RunTrace,
  triggerOf,
} from '../pipeline-run.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** The time at its sender of each field's value. */
export type Stamps = Record<string, Timestamp>;

/** A record with what is needed to merge the next report. `measured`: the figures that were counted. */
export type Merged<T> = { record: T; stamps: Stamps; measured: string[] };

/** A report of a run with the service that the catalogue has for it, and without its stages. */
export type RunReport = Omit<PipelineRunReport, 'stages' | 'service'> & {
  service: ServiceName | null;
  trace?: RunTrace;
  /** Whether one of its stages has begun. */
  has_begun?: boolean;
};

/** Returns the time at its sender of a report. Two deliveries of one report have the same. */
export const reportedAt = (
  { reported_at, finished_at, started_at, queued_at }: Omit<RunReport, 'service'>,
  now: Timestamp,
): Timestamp => reported_at ?? finished_at ?? started_at ?? queued_at ?? now;

/**
 * Merges a report into the record of its run. The result is the same in every order, and for repeated reports: of two
 * values of a field, the one reported later counts; a start is the earliest, and an end the latest.
 */
export function mergedRun(
  before: Merged<PipelineRun> | undefined,
  id: PipelineRunId,
  report: RunReport,
  now: Timestamp,
): Merged<PipelineRun> {
  const at = reportedAt(report, now);
  const known = before ?? { record: newRun(id, report, now), stamps: {}, measured: [] };
  const stamps = { ...known.stamps };
  const later = latestValue(known.record, stamps, at);
  const record: PipelineRun = {
    ...known.record,
    service: later('service', report.service),
    repository: later('repository', report.repository),
    pipeline: later('pipeline', report.pipeline),
    branch: later('branch', report.branch),
    default_branch: later('default_branch', report.default_branch),
    commit: later('commit', report.commit),
    ...mergedTrigger(known.record, report.trigger, stamps, at),
    author: later('author', report.author),
    url: later('url', report.url),
    result: later('result', report.result),
    coverage: later('coverage', report.coverage),
    tests: mergedTests(known.record.tests, report.tests, stamps, at),
    ...mergedTimes(known.record, report),
    ...(report.trace?.traceparent !== undefined && { traceparent: later('traceparent', report.trace.traceparent) }),
    ...(report.trace?.has_trace === true && { has_trace: true as const }),
  };
  const hasBegun = report.has_begun === true || known.record.status === 'running';
  return { record: { ...record, status: statusOf(record, hasBegun) }, stamps, measured: known.measured };
}

/** Time that the span of a run may arrive after the first one of its stages. */
const TRACE_SECONDS = 24 * 3600;

/** Returns a run with the status that it has now: the span of a run is sent at its end, and may never arrive. */
export const withStatusAt = (run: PipelineRun, now: Timestamp): PipelineRun =>
  run.has_trace === true && run.result === null && plusSeconds(run.recorded_at, TRACE_SECONDS) < now
    ? { ...run, status: 'incomplete' }
    : run;

/** Merges a report into the record of a stage, as for runs. */
export function mergedStage(
  before: Merged<PipelineStage> | undefined,
  report: StageReport,
  at: Timestamp,
): Merged<PipelineStage> {
  const known = before ?? { record: newStage(report), stamps: {}, measured: [] };
  const stamps = { ...known.stamps };
  const later = latestValue(known.record, stamps, at);
  const record: PipelineStage = {
    ...known.record,
    name: later('name', report.name),
    result: later('result', report.result),
    ...mergedTimes(known.record, report),
  };
  return { record: { ...record, status: statusOf(record) }, stamps, measured: known.measured };
}

/** Returns the identity of a stage within its run and attempt. */
export const stageKey = ({ id, name }: Pick<StageReport, 'id' | 'name'>): string => id ?? name;

/** Returns a function that gives the value of a field that was reported last, and stamps it. */
const latestValue =
  <T extends object>(record: T, stamps: Stamps, at: Timestamp) =>
  <Key extends keyof T & string>(key: Key, value: T[Key] | null | undefined): T[Key] => {
    if (value == null) return record[key];
    if (!isLater(stamps[key], at, record[key], value)) return record[key];
    stamps[key] = at;
    return value;
  };

/** Of two values reported at the same time, one is chosen by its text, so that the order of delivery has no effect. */
const isLater = (stamp: Timestamp | undefined, at: Timestamp, before: unknown, value: unknown): boolean =>
  stamp === undefined || at > stamp || (at === stamp && JSON.stringify(value) > JSON.stringify(before));

type Trigger = Pick<PipelineRun, 'trigger' | 'trigger_word'>;

/** Merges the word, and derives the trigger from it, so that both are of one report. */
function mergedTrigger(before: Trigger, reported: RunReport['trigger'], stamps: Stamps, at: Timestamp): Trigger {
  const known: { trigger: string | null } = { trigger: before.trigger_word ?? before.trigger };
  const word = latestValue(known, stamps, at)('trigger', reported);
  return word === null ? { trigger: null } : { trigger: triggerOf(word), trigger_word: word };
}

type Tests = PipelineRun['tests'];

function mergedTests(before: Tests, reported: RunReport['tests'], stamps: Stamps, at: Timestamp): Tests {
  const suites = new Map(before.map((result) => [result.suite, result]));
  for (const result of reported) {
    const key = `tests/${result.suite}`;
    const known = suites.get(result.suite);
    const { suite, passed, failed, skipped } = result;
    const next = { suite, passed, failed, skipped };
    if (known !== undefined && !isLater(stamps[key], at, known, next)) continue;
    stamps[key] = at;
    suites.set(suite, next);
  }
  return [...suites.values()].toSorted((a, b) => (a.suite < b.suite ? -1 : 1));
}

type Times = Pick<PipelineRun, 'queued_at' | 'started_at' | 'finished_at'>;

const mergedTimes = (before: Times, report: { [Key in keyof Times]?: Timestamp | null | undefined }): Times => ({
  queued_at: earlier(before.queued_at, report.queued_at),
  started_at: earlier(before.started_at, report.started_at),
  finished_at: later(before.finished_at, report.finished_at),
});

const earlier = (a: Timestamp | null, b: Timestamp | null | undefined): Timestamp | null =>
  a === null || b == null ? (a ?? b ?? null) : a < b ? a : b;

const later = (a: Timestamp | null, b: Timestamp | null | undefined): Timestamp | null =>
  a === null || b == null ? (a ?? b ?? null) : a > b ? a : b;

const statusOf = (
  { result, started_at }: Pick<PipelineRun, 'result' | 'started_at'>,
  hasBegun = false,
): PipelineStatus => (result !== null ? 'finished' : started_at !== null || hasBegun ? 'running' : 'queued');

const newRun = (id: PipelineRunId, { run_id, attempt }: RunReport, now: Timestamp): PipelineRun => ({
  id,
  service: null,
  repository: null,
  pipeline: null,
  run_id,
  attempt,
  branch: null,
  default_branch: null,
  commit: null,
  trigger: null,
  author: null,
  url: null,
  status: 'queued',
  result: null,
  queued_at: null,
  started_at: null,
  finished_at: null,
  tests: [],
  coverage: null,
  recorded_at: now,
});

const newStage = (report: StageReport): PipelineStage => ({
  key: stageKey(report),
  name: report.name,
  status: 'queued',
  result: null,
  queued_at: null,
  started_at: null,
  finished_at: null,
});
