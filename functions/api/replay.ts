import { randomUUID } from 'node:crypto';
import type { Deps } from '../../domain/ports.ts';
import { readSignalMessage } from '../../schemas/signal.ts';
import { sources } from '../../schemas/sources/index.ts';
import type { Unreadable } from '../../schemas/sources/parsed.ts';
import { millisOf } from '../../schemas/time.ts';
import { alertsIn, enqueue, read } from './alerts.ts';
import { Refusal } from './problem.ts';

export type Kept = NonNullable<Awaited<ReturnType<Deps['quarantine']['get']>>>;

export type Replayed = { receipt: string; accepted: number; quarantined: number; truncated: number };

/**
 * Reads what is kept again, with the code of today, and puts it where it would have gone.
 * @throws Refusal 422 when it still cannot be read
 */
export async function replay(deps: Deps, kept: Kept, trace: string): Promise<Replayed> {
  const answer = kept.source === 'queue' ? await replayMessage(deps, kept, trace) : await replayBody(deps, kept, trace);
  await deps.quarantine.replayed(kept.id);
  return answer;
}

async function replayBody(deps: Deps, kept: Kept, trace: string): Promise<Replayed> {
  const source = sources.get(kept.source);
  if (source === undefined) throw new Refusal(422, 'unknown-source', `nothing reads ${kept.source} any more`);
  // The sender's content type was its mistake; the bytes are what counts.
  const result = read(source, '', kept.body, millisOf(deps.clock.now()));
  if (!result.ok) throw new Refusal(422, result.fault.code, result.fault.detail);
  const { alerts, unreadable, truncated } = result.parsed;
  if (alerts.length === 0 && unreadable.length > 0) {
    throw new Refusal(422, 'wrong-shape', unreadable[0]?.detail ?? 'no alert in it can be read');
  }
  await keepRest(deps, kept, unreadable);
  const asksRollback = kept.receiver === '/api/v1/rollback';
  const receipt = { id: randomUUID(), at: deps.clock.now(), trace, urgent: asksRollback };
  await enqueue(deps, receipt, alerts, asksRollback);
  return { receipt: receipt.id, accepted: alerts.length, quarantined: alertsIn(unreadable), truncated };
}

/** What still cannot be read of a body that otherwise could stays, as entries of its own. */
async function keepRest(deps: Deps, kept: Kept, rest: readonly Unreadable[]): Promise<void> {
  const { source, receiver, content_type: contentType } = kept;
  for (const { body, detail } of rest) {
    await deps.quarantine.keep({ source, receiver, contentType, body: Buffer.from(body), status: 422, detail });
  }
}

/** Signals that had been read already, but could not be stored. */
async function replayMessage(deps: Deps, { body }: Kept, trace: string): Promise<Replayed> {
  const message = readSignalMessage(Buffer.from(body).toString());
  if (!message.success) throw new Refusal(422, 'wrong-shape', 'it is no message of this version');
  const { signals } = message.data;
  const receipt = { id: randomUUID(), at: deps.clock.now(), trace };
  await deps.queue.sendAll(receipt, signals);
  return { receipt: receipt.id, accepted: signals.length, quarantined: 0, truncated: 0 };
}
