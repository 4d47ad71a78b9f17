import type { DeliveryDeps } from '../../domain/ports/deps.ts';
import { notifyingPipelineRuns } from '../notifying-stores.ts';
import { PipelineFigureTable } from '../table/delivery/pipeline-figures.ts';
import { PipelineRunTable } from '../table/delivery/pipeline-runs.ts';
import { PipelineTestTable } from '../table/delivery/pipeline-tests.ts';
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
