import type { Incidents } from '../../domain/ports.ts';
import { idOf, type Projections } from '../../domain/projections.ts';
import type { WebhookReceivers } from '../../domain/webhook-receiver.ts';
import { type IncidentTold, incidentTold, nextEvent, wants } from '../../domain/webhooks.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import { IncidentId } from '../../schemas/names.ts';
import { ReceiverState, type Subject, WebhooksState } from '../../schemas/projection.ts';
import type { Webhook } from '../../schemas/response.ts';
import { Timestamp } from '../../schemas/time.ts';
import type { Method, Turn } from '../turn.ts';

export type IncidentDeps = {
  receivers: WebhookReceivers;
  projections: Projections;
  incidents: Pick<Incidents, 'view' | 'read'>;
};

/** Each receiver has its own pace, so that one which is down or slow is not asked in vain for each incident. */
const methodOf = (receiver: string): Method => {
  const name = `webhook ${receiver}`;
  return { name, allowances: { [name]: { perSecond: 2, burst: 20 } } };
};

/**
 * Tells all receivers what they are to hear of an incident, side by side. To each goes one thing after the other: what has
 * been written down for it is sent until it is taken, and only then what is so by now. What came and went meanwhile is
 * not told.
 */
export async function tellIncident(
  deps: IncidentDeps,
  webhooks: readonly Webhook[],
  subject: Subject,
  turn: Turn,
): Promise<void> {
  if (webhooks.length === 0) return;
  const id = IncidentId.parse(idOf(subject));
  const [view, incident] = [await deps.incidents.view(id), await deps.incidents.read(id)];
  if (view === undefined || incident === undefined) return;
  const told = incidentTold(view, incident);
  const states = WebhooksState.parse((await deps.projections.read('webhooks', subject)) ?? {}).receivers;
  const keep = inOrder(() => deps.projections.write('webhooks', subject, { receivers: states }));
  const all = webhooks.map(async (webhook) => {
    const name = deps.receivers.nameOf(webhook);
    const save = async (state: ReceiverState): Promise<void> => {
      await turn.stillOurs();
      states[name] = state;
      await keep();
    };
    const before = ReceiverState.parse(states[name] ?? {});
    await tellOne({ deps, name, webhook, told, incident, save, turn }, before);
  });
  const failed = (await Promise.allSettled(all)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** The same, each time after the one before: what is written last is what stands in the end. */
function inOrder(act: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => (last = last.catch(() => undefined).then(act));
}

type Telling = {
  deps: IncidentDeps;
  name: string;
  webhook: Webhook;
  told: IncidentTold;
  incident: IncidentRecord;
  save: (state: ReceiverState) => Promise<void>;
  turn: Turn;
};

/** At most what was left from before, and what is to be told now. */
async function tellOne(telling: Telling, before: ReceiverState): Promise<void> {
  const sent = before.letter === null ? before : await send(telling, before);
  if (sent === undefined) return;
  const written = write(telling, sent);
  if (written === undefined) return;
  await telling.save(written);
  if (written.letter !== null) await send(telling, written);
}

/** What is to be told, written down. Undefined: nothing. What the receiver does not want counts as told. */
function write(
  { deps, name, webhook, told, incident, turn }: Telling,
  state: ReceiverState,
): ReceiverState | undefined {
  const shown = JSON.stringify(told);
  const event = nextEvent(told, state, shown);
  if (event === null || (event === 'incident.opened' && !wants(webhook, incident))) return undefined;
  const next = { ...state, opened: true, over: event === 'incident.resolved', shown };
  if (!webhook.events.includes(event)) return next;
  const number = state.number + 1;
  const id = `${told.id}-${name}-${number}`;
  return { ...next, number, letter: deps.receivers.write(webhook, id, event, turn.now(), told) };
}

/** The state without the letter once that has been taken. Undefined: not now. */
async function send(
  { deps, name, webhook, told, save, turn }: Telling,
  state: ReceiverState,
): Promise<ReceiverState | undefined> {
  const { letter } = state;
  if (letter === null) return state;
  const answer = await turn.attempt(methodOf(name), () => deps.receivers.send(webhook, letter));
  if (answer?.kind === 'done') {
    const taken = { ...state, letter: null };
    await save(taken);
    return taken;
  }
  if (answer?.kind === 'refused') {
    turn.log.warn('a webhook was refused', { incident: told.id, event: letter.event, detail: answer.detail });
    turn.afterRefusal(told.resolved_at === null ? null : Timestamp.parse(told.resolved_at));
  }
  return undefined;
}
