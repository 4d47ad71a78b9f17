import type { DeliveryDeps } from '../../domain/ports/deps.ts';
import { notifyingPipelineRuns } from '../../stores/notifying-stores.ts';
import { PipelineFigureTable } from '../../features/pipelines/stores/pipeline-figures.ts';
import { PipelineRunTable } from '../../features/pipelines/stores/pipeline-runs.ts';
import { PipelineTestTable } from '../../features/pipelines/stores/pipeline-tests.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of pipelines and their tests. */
export function deliveryDeps({ system: { clock, log }, table, projections }: Shared): DeliveryDeps {
  const pipelineFigures = new PipelineFigureTable(table, log);
  return {
    pipelineRuns: notifyingPipelineRuns(new PipelineRunTable(table, clock, pipelineFigures), {
      changed: (...subjects) => projections.changed(...subjects),
      isOn: (target) => projections.isOn(target),
    }),
    pipelineTests: new PipelineTestTable(table, clock, pipelineFigures),
    pipelineFigures,
  };
}
