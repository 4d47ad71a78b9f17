import { repositoryPathOf } from '../../../core/domain/catalogue/repositories.ts';
import type { Page } from '../../../core/domain/ports/common.ts';
import {
  type PipelineFigures,
  type PipelineRuns,
  type RunFact,
  type StageFact,
  UNMAPPED_PIPELINES_MAX,
} from '../types.ts';
import type { UnmappedRun } from '../decisions/unmapped-pipelines.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { branchLabel, measuredRun, measuredStage, type Observation } from '../decisions/pipeline-figures.ts';
import {
  type Merged,
  mergedRun,
  mergedStage,
  reportedAt,
  type RunReport,
  stageKey,
  withStatusAt,
} from '../decisions/merge-run.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type {
  PipelineRun,
  PipelineRunId,
  PipelineRunReport,
  PipelineStage,
  RunTrace,
  StageReport,
} from '../pipeline-run.ts';
import { StoredRunFact, StoredPipelineRun, StoredPipelineStage, StoredUnmappedRun } from './stored-runs.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { canonicalJson, sha256 } from '../../../core/stores/hash.ts';
import { keys, RUNS } from '../keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../../core/stores/retention.ts';
import { hasFields, pointedPage, shardedPage } from '../../../core/stores/sharded.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, type Condition, type Item, put, remove, revisionIs, type Write } from '../../../platforms/store.ts';

const TRIES = 20;

/** Number of stages of one report that are written at the same time. */
const AT_ONCE = 8;

/**
 * Stores runs of pipelines. A run and each of its stages are separate items, because the jobs of a large matrix end at
 * the same moment.
 */
export class PipelineRunTable implements PipelineRuns {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #figures: Pick<PipelineFigures, 'add'>;

  constructor(table: Table, clock: Clock, figures: Pick<PipelineFigures, 'add'>) {
    this.#table = table;
    this.#clock = clock;
    this.#figures = figures;
  }

  async record(
    { stages, ...report }: PipelineRunReport,
    service: ServiceName | null,
    trace: RunTrace = {},
  ): Promise<{ run: PipelineRun; created: boolean }> {
    const id = runIdOf(report);
    const has_begun = stages.some(({ started_at, result }) => started_at != null || result != null);
    const { run, created } = await this.#recordRun(id, { ...report, service, trace, has_begun });
    const at = reportedAt(report, this.#clock.now());
    for (let n = 0; n < stages.length; n += AT_ONCE)
      await Promise.all(stages.slice(n, n + AT_ONCE).map((stage) => this.#recordStage(run, stage, at)));
    return { run, created };
  }

  async #recordRun(id: PipelineRunId, report: RunReport): Promise<{ run: PipelineRun; created: boolean }> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.pipelineRun(id));
      const before = item && runIn(item);
      const now = this.#clock.now();
      const { observations, merged } = measuredRun(mergedRun(before, id, report, now));
      if (before !== undefined && isSame(before, merged)) return { run: merged.record, created: false };
      const at = (item?.['at'] as Timestamp | undefined) ?? beginOf(report, now);
      await this.#listUnmapped(merged.record, before?.record, at);
      const result = await this.#table.transact([
        put({ ...item, ...runItem(merged, at), rev: revOf(item) + 1 }, unchangedSince(item)),
        ...this.#rowWrites(merged.record, before?.record, at),
      ]);
      if (!result.ok) continue;
      await this.#count(merged.record, observations);
      return { run: merged.record, created: before === undefined };
    }
    throw new Error(`pipeline run ${id} changed during all ${TRIES} attempts; try again`);
  }

  /** Lists the pipeline of a run that has no service. Not in the transaction of the run, whose runs it would delay. */
  async #listUnmapped(run: PipelineRun, before: PipelineRun | undefined, at: Timestamp): Promise<void> {
    const { service, repository, pipeline, url } = run;
    if (service !== null || repository === null) return;
    if (before !== undefined && before.service === null && before.pipeline === pipeline && before.url === url) return;
    await this.#table.transact([
      put({
        ...keys.unmappedPipeline(repositoryPathOf(repository), pipeline ?? ''),
        repository,
        pipeline,
        url,
        at,
        ...expiresAfter(at, RETENTION_DAYS.unmappedPipeline),
      }),
    ]);
  }

  async noteUnknownService({ service, repository, pipeline, url }: PipelineRun): Promise<void> {
    if (service === null) return;
    const at = this.#clock.now();
    await this.#table.transact([
      put({
        ...keys.unknownService(service, pipeline ?? ''),
        service,
        repository,
        pipeline,
        url,
        at,
        ...expiresAfter(at, RETENTION_DAYS.unmappedPipeline),
      }),
    ]);
  }

  async unmapped(): Promise<UnmappedRun[]> {
    const { pk } = keys.unmappedPipelines();
    return collect(this.#table.each(pk, { limit: UNMAPPED_PIPELINES_MAX }), (item) => StoredUnmappedRun.parse(item));
  }

  /** Writes the row of the service, with what statistics need, and removes that of an earlier service. */
  #rowWrites(run: PipelineRun, before: PipelineRun | undefined, at: Timestamp): Write[] {
    const left = before?.service ?? null;
    const { id, service, pipeline, branch, default_branch, result, coverage, queued_at, started_at, finished_at } = run;
    return [
      ...(left !== null && left !== service ? [remove(keys.pipelineRunOf(left, at, id))] : []),
      ...(service === null
        ? []
        : [
            put({
              ...keys.pipelineRunOf(service, at, id),
              id,
              at,
              pipeline,
              branch,
              default_branch,
              result,
              coverage,
              queued_at,
              started_at,
              finished_at,
              ...expiresAfter(at, RETENTION_DAYS.pipelineRun),
            }),
          ]),
    ];
  }

  async #recordStage(run: PipelineRun, report: StageReport, at: Timestamp): Promise<void> {
    const key = keys.pipelineStage(run.id, stageKey(report));
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(key);
      const before = item && stageIn(item);
      const merged = mergedStage(before, report, at);
      const measured = run.service === null ? { observations: [], merged } : measuredStage(merged);
      if (before !== undefined && isSame(before, measured.merged)) return;
      const result = await this.#table.transact([
        put(
          {
            ...item,
            ...key,
            ...measured.merged.record,
            stamps: measured.merged.stamps,
            measured: measured.merged.measured,
            rev: revOf(item) + 1,
            ...expiresAfter(run.recorded_at, RETENTION_DAYS.pipelineRun),
          },
          unchangedSince(item),
        ),
        ...this.#stageRowWrites(run, measured.merged.record, before?.record),
      ]);
      if (!result.ok) continue;
      await this.#count(run, measured.observations);
      return;
    }
    throw new Error(`stage ${stageKey(report)} of pipeline run ${run.id} changed during all ${TRIES} attempts`);
  }

  #stageRowWrites(run: PipelineRun, stage: PipelineStage, before: PipelineStage | undefined): Write[] {
    const { id, service } = run;
    if (service === null) return [];
    const at = stageTime(stage);
    const was = before === undefined ? null : stageTime(before);
    const { name, result, queued_at, started_at, finished_at } = stage;
    return [
      ...(was !== null && was !== at ? [remove(keys.pipelineStageOf(service, was, id, stage.key))] : []),
      ...(at === null
        ? []
        : [
            put({
              ...keys.pipelineStageOf(service, at, id, stage.key),
              run: id,
              at,
              name,
              result,
              queued_at,
              started_at,
              finished_at,
              ...expiresAfter(at, RETENTION_DAYS.pipelineRun),
            }),
          ]),
    ];
  }

  async #count(run: PipelineRun, observations: readonly Observation[]): Promise<void> {
    if (run.service !== null && observations.length > 0)
      await this.#figures.add(run.service, branchLabel(run), observations);
  }

  async get(id: PipelineRunId): Promise<{ run: PipelineRun; stages: PipelineStage[] } | undefined> {
    let run: PipelineRun | undefined;
    const stages: PipelineStage[] = [];
    for await (const item of this.#table.each(keys.pipelineRun(id).pk))
      if (item['sk'] === keys.pipelineRun(id).sk) run = withStatusAt(runIn(item).record, this.#clock.now());
      else stages.push(stageIn(item).record);
    return run && { run, stages: inOrder(stages) };
  }

  async list({ service, branch, result, ...query }: Parameters<PipelineRuns['list']>[0]): Promise<Page<PipelineRun>> {
    const list = RUNS;
    const isWanted = hasFields({ branch, result });
    const page =
      service === undefined
        ? await shardedPage(this.#table, list, query, isWanted)
        : await pointedPage(
            this.#table,
            { list, pk: keys.pipelineRunsOf(service).pk, to: (row) => keys.pipelineRun(row['id'] as PipelineRunId) },
            query,
            isWanted,
          );
    const now = this.#clock.now();
    return { ...page, items: page.items.map((item) => withStatusAt(runIn(item).record, now)) };
  }

  async since(service: ServiceName, from: Timestamp): Promise<{ runs: RunFact[]; stages: StageFact[] }> {
    const [runs, stages] = await Promise.all([
      collect(this.#table.each(keys.pipelineRunsOf(service).pk, { from }), (item) => StoredRunFact.run.parse(item)),
      collect(this.#table.each(keys.pipelineStagesOf(service).pk, { from }), (item) => StoredRunFact.stage.parse(item)),
    ]);
    return { runs, stages };
  }
}

/**
 * Returns the id of a run: the same for all reports of one attempt.
 */
export function runIdOf({
  service,
  repository,
  run_id,
  attempt,
}: Pick<PipelineRunReport, 'service' | 'repository' | 'run_id' | 'attempt'>): PipelineRunId {
  const scope = repository == null ? { service: service ?? null } : { repository: repositoryPathOf(repository) };
  return `run_${sha256(canonicalJson({ ...scope, run_id, attempt })).slice(0, 26)}` as PipelineRunId;
}

/** Returns the time by which lists sort a run. It stays the same when earlier times are reported later. */
export const beginOf = (
  { queued_at, started_at, finished_at, reported_at }: Omit<RunReport, 'service'>,
  now: Timestamp,
): Timestamp => queued_at ?? started_at ?? finished_at ?? reported_at ?? now;

/** Returns when a finished stage ran; null for others. */
export const stageTime = ({
  result,
  started_at,
  finished_at,
}: Pick<PipelineStage, 'result' | 'started_at' | 'finished_at'>): Timestamp | null =>
  result === null ? null : (started_at ?? finished_at);

/** Sorts stages by their start; those that have not started are last. */
export const inOrder = (stages: readonly PipelineStage[]): PipelineStage[] => {
  const position = ({ started_at, queued_at, key }: PipelineStage) => `${started_at ?? queued_at ?? '~'} ${key}`;
  return stages.toSorted((a, b) => (position(a) < position(b) ? -1 : 1));
};

export const isSame = <T>(a: Merged<T>, b: Merged<T>): boolean => canonicalJson(a) === canonicalJson(b);

const runIn = (item: Item): Merged<PipelineRun> => ({ record: StoredPipelineRun.parse(item), ...mergeStateIn(item) });

const stageIn = (item: Item): Merged<PipelineStage> => ({
  record: StoredPipelineStage.parse(item),
  ...mergeStateIn(item),
});

const mergeStateIn = (item: Item): Omit<Merged<unknown>, 'record'> => ({
  stamps: item['stamps'] as Merged<unknown>['stamps'],
  measured: item['measured'] as string[],
});

const runItem = ({ record, stamps, measured }: Merged<PipelineRun>, at: Timestamp): Item => ({
  ...keys.pipelineRun(record.id),
  ...record,
  at,
  stamps,
  measured,
  ...RUNS.attributes(record.id, `${at}#${record.id}`),
  ...expiresAfter(at, RETENTION_DAYS.pipelineRun),
});

const revOf = (item: Item | undefined): number => Number(item?.['rev'] ?? 0);

const unchangedSince = (item: Item | undefined): Condition => (item === undefined ? absent : revisionIs(item['rev']));
