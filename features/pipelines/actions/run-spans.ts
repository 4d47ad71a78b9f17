import type { EndedSpans } from '../../../domain/ports/extensions.ts';
import { idOf } from '../../../domain/incidents/projections.ts';
import { runSpan } from '../decisions/run-span.ts';
import { PipelineRunId } from '../pipeline-run.ts';
import type { PipelinePorts } from '../ports.ts';

/** Time after the end of a run in which its last reports, and the trace of the CI system itself, can arrive. */
const RUN_SETTLES_SECONDS = 60;

/** Returns the spans of runs. */
export const runSpans = ({
  pipelineRuns,
}: {
  pipelineRuns: Pick<PipelinePorts['pipelineRuns'], 'get'>;
}): EndedSpans => ({
  async of(subject) {
    if (!subject.startsWith('pipeline-run:')) return undefined;
    const found = await pipelineRuns.get(PipelineRunId.parse(idOf(subject)));
    const span = found && runSpan(found.run);
    return span && { span, settlesSeconds: RUN_SETTLES_SECONDS };
  },
});
