import type { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import type { PipelineRunId } from '../../../features/pipelines/pipeline-run.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Push } from '../../../schemas/delivery/code.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { type Key, digits, part, serviceEnvironmentKey } from './parts.ts';

/** Keys of delivery figures. */
export const deliveryKeys = {
  /** A push to a repository, by the time when it arrived. */
  push: (repository: string, at: Timestamp, id: string): Key => ({
    pk: `PUSHES#${part(repository)}`,
    sk: `${at}#${part(id)}`,
  }),
  pushes: (repository: string): Pick<Key, 'pk'> => ({ pk: `PUSHES#${part(repository)}` }),
  /** Marks that a push is stored, so that a repeated webhook does not store it again. */
  pushOnce: ({ repository, branch, before, after }: Push): Key => ({
    pk: `PUSH#${part(repository)}`,
    sk: `${part(branch)}#${before ?? ''}#${after}`,
  }),
  /** A pull request, by the time when it was opened. */
  pullRequest: (repository: string, openedAt: Timestamp, number: number): Key => ({
    pk: `PULLREQUESTS#${part(repository)}`,
    sk: `${openedAt}#${digits(number)}`,
  }),
  pullRequests: (repository: string): Pick<Key, 'pk'> => ({ pk: `PULLREQUESTS#${part(repository)}` }),
  /** A merged pull request, by the time of its merge. */
  merged: (repository: string, mergedAt: Timestamp, number: number): Key => ({
    pk: `MERGED#${part(repository)}`,
    sk: `${mergedAt}#${digits(number)}`,
  }),
  mergedOf: (repository: string): Pick<Key, 'pk'> => ({ pk: `MERGED#${part(repository)}` }),
  /** A release of a repository. */
  release: (repository: string, publishedAt: Timestamp, tag: string): Key => ({
    pk: `RELEASES#${part(repository)}`,
    sk: `${publishedAt}#${part(tag)}`,
  }),
  releases: (repository: string): Pick<Key, 'pk'> => ({ pk: `RELEASES#${part(repository)}` }),
  /** A person's statement of the cause of an incident. */
  attribution: (id: IncidentId): Key => ({ pk: 'ATTRIBUTIONS', sk: id }),
  attributions: (): Pick<Key, 'pk'> => ({ pk: 'ATTRIBUTIONS' }),
  /** The deploys of a day of a service and environment. */
  rollup: (serviceEnvironment: ServiceEnvironment, day: string): Key => ({
    pk: `DEPLOYDAY#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: day,
  }),
  /** A change that the rollup of its day does not include yet. */
  rollupMark: (serviceEnvironment: ServiceEnvironment, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: 'DEPLOYMARKS',
    sk: `${startedAt.slice(0, 10)}#${serviceEnvironmentKey(serviceEnvironment)}#${id}`,
  }),
  rollupMarks: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYMARKS' }),
  /** The services and environments that have rollups. */
  rollupScope: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'DEPLOYSCOPES',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  rollupScopes: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYSCOPES' }),
  /** How far changes that were recorded before rollups existed are marked. */
  rollupState: (): Key => ({ pk: 'DEPLOYBACKFILL', sk: 'DEPLOYBACKFILL' }),
  /** A run of a pipeline, and its stages. */
  pipelineRun: (id: PipelineRunId): Key => ({ pk: `PIPERUN#${id}`, sk: 'RUN' }),
  pipelineStage: (id: PipelineRunId, stage: string): Key => ({ pk: `PIPERUN#${id}`, sk: `STAGE#${part(stage)}` }),
  /** The runs of a service, with what statistics need of them, and their finished stages. */
  pipelineRunOf: (service: string, at: Timestamp, id: PipelineRunId): Key => ({
    pk: `PIPEOF#${part(service)}`,
    sk: `${at}#${id}`,
  }),
  pipelineRunsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `PIPEOF#${part(service)}` }),
  pipelineStageOf: (service: string, at: Timestamp, id: PipelineRunId, stage: string): Key => ({
    pk: `PIPESTAGEOF#${part(service)}`,
    sk: `${at}#${id}#${part(stage)}`,
  }),
  pipelineStagesOf: (service: string): Pick<Key, 'pk'> => ({ pk: `PIPESTAGEOF#${part(service)}` }),
  /** A pipeline that had a run without a service. */
  unmappedPipeline: (repository: string, pipeline: string): Key => ({
    pk: 'PIPEUNMAPPED',
    sk: `${part(repository)}#${part(pipeline)}`,
  }),
  unmappedPipelines: (): Pick<Key, 'pk'> => ({ pk: 'PIPEUNMAPPED' }),
  /** Sums of the figures of a service and branch. */
  pipelineFigures: (service: string, branch: string): Key => ({
    pk: 'PIPEFIGURES',
    sk: `${part(service)}#${part(branch)}`,
  }),
  pipelineFiguresOf: (): Pick<Key, 'pk'> => ({ pk: 'PIPEFIGURES' }),
  /** Test results of a commit and suite: which tests are known to be flaky, and one item for each upload. */
  testSuite: (service: string, commit: string, suite: string): Key => ({
    pk: `PIPETESTS#${part(service)}#${part(commit)}`,
    sk: `SUITE#${part(suite)}`,
  }),
  testUpload: (service: string, commit: string, suite: string, upload: string): Key => ({
    pk: `PIPETESTS#${part(service)}#${part(commit)}`,
    sk: `UPLOAD#${part(suite)}#${upload}`,
  }),
  /** Flaky tests of a service that an upload showed. */
  flakyTests: (service: string, at: Timestamp, upload: string): Key => ({
    pk: `PIPEFLAKY#${part(service)}`,
    sk: `${at}#${upload}`,
  }),
  flakyTestsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `PIPEFLAKY#${part(service)}` }),
};
