import * as z from 'zod';
import { changeSpan, type Spans } from '../../domain/delivery/span.ts';
import { idOf, type Projections } from '../../domain/incidents/projections.ts';
import type { Changes } from '../../domain/ports/changes.ts';
import { ChangeId } from '../../schemas/config/names.ts';
import type { Projector } from '../sync/sync.ts';
import type { Method } from '../sync/session.ts';

/** Rate limit. Collectors publish none. */
const TRACES: Method = { name: 'traces', allowances: { traces: { perSecond: 20, burst: 100 } } };

const TraceState = z.object({ sent: z.boolean().default(false) });

type Deps = { spans: Spans; projections: Projections; changes: Pick<Changes, 'get'> };

/**
 * Returns the projector for a tracing system: one span for each change, sent once the change has ended. A span cannot be
 * corrected, so later updates of the change are not sent.
 */
export const tracesProjector =
  ({ spans, projections, changes }: Deps): Projector =>
  async (subject, session) => {
    const change = await changes.get(ChangeId.parse(idOf(subject)));
    const span = change && changeSpan(change);
    if (span === undefined) return;
    if (TraceState.parse((await projections.read('traces', subject)) ?? {}).sent) return;
    const response = await session.attempt(TRACES, () => spans.send(span));
    if (response === undefined || response.kind === 'later' || response.kind === 'unclear') return;
    if (response.kind === 'done') return projections.write('traces', subject, { sent: true });
    session.log.warn('the span of a change could not be sent', { detail: response.detail });
    if (response.kind === 'refused') session.scheduleRetryAfterRefusal(span.until);
  };
