import * as z from 'zod';
import { changeSpan, type Span, type Spans } from '../../domain/delivery/span.ts';
import { runSpan } from '../../features/pipelines/decisions/run-span.ts';
import { idOf, type Projections } from '../../domain/incidents/projections.ts';
import type { Changes } from '../../domain/ports/changes.ts';
import type { PipelineRuns } from '../../domain/ports/delivery.ts';
import { ChangeId } from '../../schemas/config/names.ts';
import { PipelineRunId } from '../../features/pipelines/pipeline-run.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import type { Projector } from '../sync/sync.ts';
import type { Method } from '../sync/session.ts';

/** Rate limit. Collectors publish none. */
const TRACES: Method = { name: 'traces', allowances: { traces: { perSecond: 20, burst: 100 } } };

/** Time after the end of a run in which its last reports, and the trace of the CI system itself, can arrive. */
const RUN_SETTLES_SECONDS = 60;

const TraceState = z.object({ sent: z.boolean().default(false) });

type Deps = {
  spans: Spans;
  projections: Projections;
  changes: Pick<Changes, 'get'>;
  pipelineRuns: Pick<PipelineRuns, 'get'>;
};

/**
 * Returns the projector for a tracing system: one span for each change and each run of a pipeline, sent once it has ended.
 * A span cannot be corrected, so later updates are not sent.
 */
export const tracesProjector =
  (deps: Deps): Projector =>
  async (subject, session) => {
    const { spans, projections } = deps;
    const found = await spanOf(deps, subject);
    if (found === undefined) return;
    if (TraceState.parse((await projections.read('traces', subject)) ?? {}).sent) return;
    const { span, settlesSeconds } = found;
    const settled = plusSeconds(span.until, settlesSeconds);
    if (session.now() < settled) return session.scheduleNext(settled);
    const response = await session.attempt(TRACES, () => spans.send(span));
    if (response === undefined || response.kind === 'later' || response.kind === 'unclear') return;
    if (response.kind === 'done') return projections.write('traces', subject, { sent: true });
    session.log.warn('a span could not be sent', { subject, detail: response.detail });
    if (response.kind === 'refused') session.scheduleRetryAfterRefusal(span.until);
  };

async function spanOf(
  { changes, pipelineRuns }: Pick<Deps, 'changes' | 'pipelineRuns'>,
  subject: Subject,
): Promise<{ span: Span; settlesSeconds: number } | undefined> {
  const id = idOf(subject);
  if (subject.startsWith('pipeline-run:')) {
    const found = await pipelineRuns.get(PipelineRunId.parse(id));
    const span = found && runSpan(found.run);
    return span && { span, settlesSeconds: RUN_SETTLES_SECONDS };
  }
  const change = await changes.get(ChangeId.parse(id));
  const span = change && changeSpan(change);
  return span && { span, settlesSeconds: 0 };
}
