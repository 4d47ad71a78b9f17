import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import { type FeatureDeps, type FeatureParts, portsAdder } from '../manifest.ts';
import type { PipelineFigures, PipelineRuns, PipelineTests } from './types.ts';

/** What pipelines need beyond the core. */
export type PipelinePorts = {
  pipelineRuns: PipelineRuns;
  pipelineTests: PipelineTests;
  pipelineFigures: PipelineFigures;
};

export type Deps = FeatureDeps & PipelinePorts;

/** Creates the stores of pipelines. Their code is loaded with their first use. */
export function pipelinePorts({ system: { clock, log }, table }: FeatureParts): PipelinePorts {
  const pipelineFigures = loadedOnUse<PipelineFigures>(
    async () => new (await import('./stores/pipeline-figures.ts')).PipelineFigureTable(table, log),
  );
  return {
    pipelineRuns: loadedOnUse(
      async () => new (await import('./stores/pipeline-runs.ts')).PipelineRunTable(table, clock, pipelineFigures),
    ),
    pipelineTests: loadedOnUse(
      async () => new (await import('./stores/pipeline-tests.ts')).PipelineTestTable(table, clock, pipelineFigures),
    ),
    pipelineFigures,
  };
}

/** Returns the dependencies with those of pipelines. */
export const withPorts = portsAdder<PipelinePorts>('pipelines');
