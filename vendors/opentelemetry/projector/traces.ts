import * as z from 'zod';
import { changeSpan, type Span, type Spans } from '../../../core/domain/changes/span.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import type { Changes } from '../../../core/domain/ports/changes.ts';
import type { Extensions } from '../../../core/domain/ports/extensions.ts';
import { ChangeId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import type { Projector } from '../../../core/projectors/sync.ts';
import type { Method } from '../../../core/projectors/session.ts';

/** Rate limit. Collectors publish none. */
const TRACES: Method = { name: 'traces', allowances: { traces: { perSecond: 20, burst: 100 } } };

const TraceState = z.object({ sent: z.boolean().default(false) });

type Deps = {
  spans: Spans;
  projections: Projections;
  changes: Pick<Changes, 'get'>;
  extensions: Pick<Extensions, 'spans'>;
};

/**
 * Returns the projector for a tracing system: one span for each change, and each subject of a feature, such as a run of a
 * pipeline, sent once it has ended. A span cannot be corrected, so later updates are not sent.
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
  { changes, extensions }: Pick<Deps, 'changes' | 'extensions'>,
  subject: Subject,
): Promise<{ span: Span; settlesSeconds: number } | undefined> {
  if (subject.startsWith('change:')) {
    const change = await changes.get(ChangeId.parse(idOf(subject)));
    const span = change && changeSpan(change);
    return span && { span, settlesSeconds: 0 };
  }
  // Whatever the configuration is now: the subject was marked when the feature was in use.
  for (const { load } of extensions.spans) {
    const found = await (await load()).of(subject);
    if (found !== undefined) return found;
  }
  return undefined;
}
