import { sha256 } from '../../core/stores/hash.ts';
import type { FeatureDeps } from '../manifest.ts';
import { streamOf } from './ports.ts';

/** Entries of one request, and requests of one run. */
const ENTRIES_PER_PART = 500;
const PARTS_PER_RUN = 5;

/**
 * Sends the sealed entries that the receiver does not have yet, oldest first. The end of a part is stored before it is
 * sent, and the position moves when it was accepted: after a failure, or the death of the process, the same part is sent
 * again with the same ID, whatever was sealed since.
 */
export async function sendAuditLog(
  deps: Pick<FeatureDeps, 'audit' | 'clock' | 'config' | 'log' | 'features'>,
): Promise<{ sent: number }> {
  const configured = await streamOf(deps);
  if (configured === undefined) return { sent: 0 };
  const { receiver, stream } = configured;
  let sent = 0;
  for (let part = 0; part < PARTS_PER_RUN; part += 1) {
    const before = await stream.progress(receiver.url);
    const { position, until } = before;
    const { items, position: end } = await deps.audit.sealedAfter(position, { limit: ENTRIES_PER_PART, until });
    const [oldest] = items;
    if (end === null || oldest === undefined) break;
    if (until === null) await stream.keep(receiver.url, { ...before, until: end });
    const detail = await stream.send(receiver, `audit-${sha256(end).slice(0, 32)}`, items);
    if (detail !== null) {
      deps.log.warn('the audit log could not be sent; the next run sends it again', { detail });
      const failure = { at: deps.clock.now(), detail, oldest: { id: oldest.id, at: oldest.at } };
      await stream.keep(receiver.url, { position, until: end, failure });
      break;
    }
    await stream.keep(receiver.url, { position: end, until: null, failure: null });
    sent += items.length;
  }
  return { sent };
}
