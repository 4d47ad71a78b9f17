import type { EndedSpans } from '../../../core/domain/ports/extensions.ts';
import { idOf } from '../../../core/domain/incidents/projections.ts';
import { PipelineRunId, OTEL_RESULTS, type PipelineRun } from '../pipeline-run.ts';
import type { PipelinePorts } from '../ports.ts';
import type { Span } from '../../../core/domain/changes/span.ts';

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

/**
 * Returns the span of a run of a pipeline. Undefined: it has not ended, has no times, or the CI system exports its trace.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/ (read 2026-11)
 */
function runSpan(run: PipelineRun): Span | undefined {
  const { id, service, repository, pipeline, run_id, attempt, result, started_at, finished_at } = run;
  if (result === null || finished_at === null || run.has_trace === true) return undefined;
  const path = repository ?? '';
  const optional = {
    'cicd.pipeline.name': pipeline,
    'cicd.pipeline.run.url.full': run.url,
    'vcs.owner.name': path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : null,
    'vcs.repository.name': repository === null ? null : path.slice(path.lastIndexOf('/') + 1),
    'vcs.ref.head.name': run.branch,
    'vcs.ref.head.revision': run.commit,
  };
  const known = Object.fromEntries(
    Object.entries(optional).filter((entry): entry is [string, string] => entry[1] !== null),
  );
  return {
    key: `pipeline-run:${id}`,
    kind: 'server',
    traceparent: run.traceparent ?? null,
    name: pipeline === null ? 'RUN' : `RUN ${pipeline}`,
    from: started_at === null || started_at > finished_at ? finished_at : started_at,
    until: finished_at,
    failure: result === 'failed' ? `${pipeline ?? 'the pipeline'} failed` : null,
    resource: { 'service.name': service ?? repository ?? 'unknown_service', 'cicd.pipeline.run.id': run_id, ...known },
    attributes: {
      'cicd.pipeline.action.name': 'RUN',
      'cicd.pipeline.result': OTEL_RESULTS[result],
      ...(result === 'failed' && { 'error.type': 'failure' }),
      'cicd.pipeline.run.attempt': String(attempt),
      ...(run.trigger !== null && { 'firebreak.pipeline.trigger': run.trigger }),
      ...(run.author !== null && { 'firebreak.pipeline.author': run.author }),
    },
  };
}
