import type { Timestamp } from '../../schemas/time/time.ts';
import { shardedList } from '../../core/stores/keys.ts';
import { type Key, part } from '../../core/stores/keys/parts.ts';
import type { PipelineRunId } from './pipeline-run.ts';

/** Keys of pipeline runs, their figures, and test results. */
export const keys = {
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
  /** A pipeline that had a run of a service that the catalogue did not have. */
  unknownService: (service: string, pipeline: string): Key => ({
    pk: 'PIPEUNMAPPED',
    sk: `#${part(service)}#${part(pipeline)}`,
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

/** The list of runs, newest first. */
export const RUNS = shardedList('PIPERUNS');
