import * as z from 'zod';
import { approvalUrls } from '../../../core/domain/incidents/approval-link.ts';
import { incidentUrl } from '../../../core/domain/incidents/console-link.ts';
import type { ApprovalLinks } from '../../../core/domain/ports/access.ts';
import type { Incidents } from '../../../core/domain/ports/incidents.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import type { WebhookReceivers } from '../../../core/domain/messages/webhook-receiver.ts';
import {
  type WebhookIncident,
  webhookIncident,
  nextEvent,
  isSubscribed,
} from '../../../core/domain/messages/webhooks.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { IncidentEvent, type Webhook } from '../../../schemas/incidents/response.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import type { Method, SyncSession } from '../../../core/projectors/session.ts';

/** What one webhook receiver was sent about an incident. */
const ReceiverState = z.object({
  /** Number of messages written so far. */
  number: z.number().default(0),
  /** Whether the opening and the resolution were sent, or skipped because the receiver did not select them. */
  opened: z.boolean().default(false),
  over: z.boolean().default(false),
  /** The state that was sent last, as text. */
  shown: z.string().nullable().default(null),
  /** A stored message that was not accepted yet. */
  pending: z.object({ id: z.string(), event: IncidentEvent, body: z.string() }).nullable().default(null),
});
type ReceiverState = z.infer<typeof ReceiverState>;

/** By receiver. */
const WebhooksState = z.object({ receivers: z.record(z.string(), ReceiverState).default({}) });

export type IncidentDeps = {
  receivers: WebhookReceivers;
  projections: Projections;
  incidents: Pick<Incidents, 'view' | 'read'>;
  approvalLinks: ApprovalLinks;
  publicUrl: string | undefined;
};

/**
 * Returns the rate limit of a receiver. Each has its own, so that an unavailable one is not called for each incident.
 */
export const methodOf = (receiver: string): Method => {
  const name = `webhook ${receiver}`;
  return { name, allowances: { [name]: { perSecond: 2, burst: 20 } } };
};

/**
 * Notifies all receivers of an incident in parallel, and each receiver in order. A stored event is retried until it is
 * accepted; then the current state follows. Intermediate states are skipped.
 */
export async function sendIncident(
  deps: IncidentDeps,
  webhooks: readonly Webhook[],
  subject: Subject,
  session: SyncSession,
): Promise<void> {
  if (webhooks.length === 0) return;
  const id = IncidentId.parse(idOf(subject));
  const [view, incident] = [await deps.incidents.view(id), await deps.incidents.read(id)];
  if (view === undefined || incident === undefined) return;
  const urls = await approvalUrls({ ...deps, log: session.log }, { incident, decisions: view.decisions });
  const payload = webhookIncident(view, incident, { url: incidentUrl(deps.publicUrl, incident), urls });
  const states = WebhooksState.parse((await deps.projections.read('webhooks', subject)) ?? {}).receivers;
  const writeStates = inOrder(() => deps.projections.write('webhooks', subject, { receivers: states }));
  const all = webhooks.map(async (webhook) => {
    const name = deps.receivers.nameOf(webhook);
    const save = async (state: ReceiverState): Promise<void> => {
      await session.checkLease();
      states[name] = state;
      await writeStates();
    };
    const before = ReceiverState.parse(states[name] ?? {});
    await notifyReceiver({ deps, name, webhook, payload, incident, save, session }, before);
  });
  const failed = (await Promise.allSettled(all)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Serializes calls, so that the last write wins. */
export function inOrder(act: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => (last = last.catch(() => undefined).then(act));
}

type ReceiverContext = {
  deps: IncidentDeps;
  name: string;
  webhook: Webhook;
  payload: WebhookIncident;
  incident: IncidentRecord;
  save: (state: ReceiverState) => Promise<void>;
  session: SyncSession;
};

/** Sends a pending event and the current one to a receiver. */
async function notifyReceiver(context: ReceiverContext, before: ReceiverState): Promise<void> {
  const sent = before.pending === null ? before : await send(context, before);
  if (sent === undefined) return;
  const message = write(context, sent);
  if (message === undefined) return;
  await context.save(message);
  if (message.pending !== null) await send(context, message);
}

/** Returns the state with the event to send. Undefined: none. Events that the receiver did not select count as sent. */
function write(
  { deps, name, webhook, payload, incident, session }: ReceiverContext,
  state: ReceiverState,
): ReceiverState | undefined {
  const shown = JSON.stringify(payload);
  const event = nextEvent(payload, state, shown);
  if (event === null || (event === 'incident.opened' && !isSubscribed(webhook, incident))) return undefined;
  const next = { ...state, opened: true, over: event === 'incident.resolved', shown };
  if (!webhook.events.includes(event)) return next;
  const number = state.number + 1;
  const id = `${payload.id}-${name}-${number}`;
  return { ...next, number, pending: deps.receivers.write(webhook, id, event, session.now(), payload) };
}

/** Sends the stored event. Returns the state without it after it is accepted. Undefined: not now. */
async function send(
  { deps, name, webhook, payload, save, session }: ReceiverContext,
  state: ReceiverState,
): Promise<ReceiverState | undefined> {
  const { pending: message } = state;
  if (message === null) return state;
  const response = await session.attempt(methodOf(name), () => deps.receivers.send(webhook, message));
  if (response?.kind === 'done') {
    const accepted = { ...state, pending: null };
    await save(accepted);
    return accepted;
  }
  if (response?.kind === 'refused') {
    session.log.warn('a webhook receiver refused an event', {
      incident: payload.id,
      event: message.event,
      detail: response.detail,
    });
    session.scheduleRetryAfterRefusal(payload.resolved_at === null ? null : Timestamp.parse(payload.resolved_at));
  }
  return undefined;
}
