import { randomUUID } from 'node:crypto';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Quarantine } from '../../../core/domain/ports/alerts.ts';
import { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import { readSignalMessage } from '../../../schemas/alerts/signal.ts';
import { sources } from '../../../schemas/alerts/sources/index.ts';
import type { Unreadable } from '../../../schemas/alerts/sources/parsed.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { CHANGE_SENDERS } from '../../../vendors/change-senders.ts';
import { FORGES } from '../../../vendors/forges.ts';
import { readEvent } from '../../../vendors/pagerduty/webhook.ts';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { type ForgeDeps, recordForgeEvent } from '../../../core/actions/changes/forge-event.ts';
import type { ChangeSender } from '../../../vendors/shared/change-webhook.ts';
import type { Forge } from '../../../vendors/shared/forge.ts';
import { parseJson } from '../../../vendors/shared/json-body.ts';
import { receiveWebhook } from './receive-webhook.ts';
import { enqueueEvent } from '../../../core/actions/paging/enqueue-event.ts';
import { contentRefusal, Refusal } from '../../../core/domain/refusal.ts';
import { enqueue, type Sender } from '../../../core/actions/alerts/enqueue.ts';
import { alertsIn, readPayload } from '../../../core/actions/alerts/read-payload.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

type QuarantinedInput = NonNullable<Awaited<ReturnType<Quarantine['get']>>>;

export type Replayed = { receipt: string; accepted: number; quarantined: number; truncated: number };

export type ReplayDeps = ForgeDeps & Pick<Deps, 'clock' | 'config' | 'inbound' | 'queue'> & { quarantine: Quarantine };

/** Returns whether inputs of this source can be replayed. An action in Slack expects an answer within seconds. */
export const isReplayable = (source: string): boolean => source !== 'slack';

/**
 * Returns an input in quarantine with its body.
 *
 * @throws Refusal 403, 404
 */
export async function readQuarantined(
  deps: { quarantine: Quarantine },
  caller: Caller,
  id: string,
): Promise<QuarantinedInput> {
  caller.allow('quarantine:read', EVERYWHERE); // an input that cannot be parsed can belong to any service
  return findQuarantined(deps, id);
}

async function findQuarantined({ quarantine }: { quarantine: Quarantine }, id: string): Promise<QuarantinedInput> {
  const quarantined = await quarantine.get(id);
  if (quarantined === undefined) throw new Refusal(404, 'unknown-quarantine', `no quarantine entry has the ID ${id}`);
  return quarantined;
}

/**
 * Parses a quarantined input again with the current code, and processes it. Alerts keep the time of their first receipt, so that
 * they change nothing about what was received since.
 *
 * @param sender name of the caller, and whether alerts of the caller may request a rollback, because what
 *   the original sender may do is no longer known
 * @throws Refusal 403; 404; 422 if it still cannot be parsed
 */
export async function replay(
  deps: ReplayDeps,
  caller: Caller,
  { id, trace, sender }: { id: string; trace: string; sender: Pick<Sender, 'name' | 'mayRequestRollback'> },
): Promise<Replayed> {
  caller.allow('quarantine:replay', EVERYWHERE);
  const quarantined = await findQuarantined(deps, id);
  const answer = await replayEntry(deps, quarantined, trace, { ...sender, allow: () => undefined });
  await deps.quarantine.replayed(id, caller.name);
  return answer;
}

async function replayEntry(
  deps: ReplayDeps,
  quarantined: QuarantinedInput,
  trace: string,
  sender: Sender,
): Promise<Replayed> {
  const changeSender = CHANGE_SENDERS.find(({ path }) => path === quarantined.receiver);
  if (changeSender !== undefined) return replayChanges(deps, changeSender, quarantined, trace);
  const forge = FORGES.find(({ source }) => source === quarantined.source);
  if (forge !== undefined) return replayForge(deps, forge, quarantined, trace);
  switch (quarantined.source) {
    case 'queue':
      return replayMessage(deps, quarantined, trace);
    case 'people':
      return replayEvent(deps, quarantined);
    case 'pagerduty':
      return replayPagerDuty(deps, quarantined, trace);
    case 'slack':
      throw contentRefusal(
        422,
        'not-replayed',
        'actions in Slack are not replayed; ask the person to repeat the action in Slack',
      );
    default:
      return replayBody(deps, quarantined, trace, sender);
  }
}

/** Replays the webhook of a system that reports changes. Its sender was authenticated when it arrived. */
async function replayChanges(
  deps: ReplayDeps,
  changeSender: ChangeSender,
  { body, content_type: contentType }: QuarantinedInput,
  trace: string,
): Promise<Replayed> {
  const header = (name: string) => (name.toLowerCase() === 'content-type' ? contentType : undefined);
  const sent = { body: Uint8Array.from(Buffer.from(body)), header };
  const result = await receiveWebhook(deps, changeSender, sent, { allow: () => undefined, trace });
  if (result.kind === 'unreadable') throw contentRefusal(422, 'wrong-shape', result.detail);
  if (result.kind === 'ignored') throw contentRefusal(422, 'ignored', `Firebreak ignores this event: ${result.why}`);
  const accepted = result.changes.length + result.waiting + result.unmapped.length;
  return { receipt: randomUUID(), accepted, quarantined: 0, truncated: 0 };
}

/** Replays a webhook of a forge. The receiver names the type of an event that was in a header. */
async function replayForge(
  deps: ReplayDeps,
  forge: Forge,
  { body, receiver, content_type: contentType }: QuarantinedInput,
  trace: string,
): Promise<Replayed> {
  const type = new URLSearchParams(receiver.split('?')[1]).get('event') ?? '';
  const payload = forge.payloadOf(Uint8Array.from(Buffer.from(body)), () => contentType);
  if (payload === undefined) throw contentRefusal(422, 'not-json', 'the body is not JSON');
  const { ignored } = await recordForgeEvent(deps, forge, { type, payload, trace });
  if (ignored !== undefined) throw contentRefusal(422, 'ignored', `Firebreak ignores this event: ${ignored}`);
  return { receipt: randomUUID(), accepted: 1, quarantined: 0, truncated: 0 };
}

async function replayBody(
  deps: ReplayDeps,
  quarantined: QuarantinedInput,
  trace: string,
  sender: Sender,
): Promise<Replayed> {
  const source = sources.get(quarantined.source);
  if (source === undefined)
    throw contentRefusal(422, 'unknown-source', `this version has no alert source ${quarantined.source}`);
  // Ignore the stored content type: it may be the reason why the input is in quarantine.
  const result = readPayload(source, '', quarantined.body, millisOf(quarantined.first_seen_at));
  if (!result.ok) throw contentRefusal(422, result.fault.code, result.fault.detail);
  const { alerts, unreadable, truncated } = result.parsed;
  if (alerts.length === 0 && unreadable.length > 0) {
    throw contentRefusal(422, 'wrong-shape', unreadable[0]?.detail ?? 'none of its alerts can be parsed');
  }
  await quarantineUnreadable(deps, quarantined, unreadable);
  const requestsRollback = quarantined.receiver === '/api/v1/rollback';
  const prefix = `${source.name}:`;
  // Only the sender that reported an alert can end it.
  const reporter = quarantined.sender?.startsWith(prefix) ? quarantined.sender.slice(prefix.length) : undefined;
  const receipt = { id: randomUUID(), at: quarantined.first_seen_at, trace, urgent: requestsRollback };
  await enqueue(deps, receipt, alerts, {
    asRollbackRequest: requestsRollback,
    sender: { ...sender, ...(reporter !== undefined && { reporter }) },
  });
  return { receipt: receipt.id, accepted: alerts.length, quarantined: alertsIn(unreadable), truncated };
}

/** Stores each alert that still cannot be parsed as a separate entry of the quarantine. */
async function quarantineUnreadable(
  deps: ReplayDeps,
  quarantined: QuarantinedInput,
  rest: readonly Unreadable[],
): Promise<void> {
  const { source, receiver, status, content_type: contentType } = quarantined;
  for (const { body, detail } of rest) {
    await deps.quarantine.keep({
      source,
      sender: null,
      receiver,
      contentType,
      body: Buffer.from(body),
      status,
      detail,
    });
  }
}

/** Replays an inbound event from the queue of vendor events. Its own key ensures that it takes effect at most once. */
async function replayEvent(deps: ReplayDeps, { body }: QuarantinedInput): Promise<Replayed> {
  const parsed = InboundEvent.safeParse(parseJson(Uint8Array.from(Buffer.from(body)))?.value);
  if (!parsed.success) throw contentRefusal(422, 'wrong-shape', inputProblemText(parsed.error));
  await deps.inbound.send(parsed.data, `replayed:${parsed.data.key}`);
  return { receipt: parsed.data.key, accepted: 1, quarantined: 0, truncated: 0 };
}

async function replayPagerDuty(deps: ReplayDeps, { body }: QuarantinedInput, trace: string): Promise<Replayed> {
  const found = readEvent(Uint8Array.from(Buffer.from(body)));
  if ('unreadable' in found) throw contentRefusal(422, 'wrong-shape', found.unreadable);
  if ('ignored' in found) throw contentRefusal(422, 'ignored', `Firebreak ignores events of the type ${found.ignored}`);
  await enqueueEvent(deps, found.event, { webhook: '', trace });
  return { receipt: found.event.id, accepted: 1, quarantined: 0, truncated: 0 };
}

/** Replays a queue message with signals that were parsed, but could not be stored. */
async function replayMessage(deps: ReplayDeps, { body }: QuarantinedInput, trace: string): Promise<Replayed> {
  const message = readSignalMessage(Buffer.from(body).toString());
  if (!message.success)
    throw contentRefusal(422, 'wrong-shape', 'the queue message has an unknown format; this version cannot replay it');
  const { signals, receivedAt } = message.data;
  const receipt = { id: randomUUID(), at: receivedAt, trace };
  await deps.queue.sendAll(receipt, signals);
  return { receipt: receipt.id, accepted: signals.length, quarantined: 0, truncated: 0 };
}
