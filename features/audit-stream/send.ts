import { sha256 } from '../../core/stores/hash.ts';
import type { FeatureDeps } from '../manifest.ts';
import type { AuditStreamPorts } from './ports.ts';

/** Entries of one request, and requests of one run. */
const ENTRIES_PER_PART = 500;
const PARTS_PER_RUN = 5;

/**
 * Sends the sealed entries that the receiver does not have yet, oldest first. The position moves when it has accepted a
 * part, so a run that dies, or a receiver that was unavailable, gets the same part again.
 */
export async function sendAuditLog({
  config,
  audit,
  log,
  features,
}: Pick<FeatureDeps, 'config' | 'audit' | 'log' | 'features'>): Promise<{ sent: number }> {
  const { auditStream: receiver } = (await config.current()).response;
  if (receiver === undefined) return { sent: 0 };
  const stream = features['audit-stream'] as AuditStreamPorts;
  let sent = 0;
  for (let part = 0; part < PARTS_PER_RUN; part += 1) {
    const before = await stream.position(receiver.url);
    const { items, position } = await audit.sealedAfter(before, ENTRIES_PER_PART);
    if (position === null) break;
    const failure = await stream.send(receiver, `audit-${sha256(position).slice(0, 32)}`, items);
    if (failure !== null) {
      log.warn('the audit log could not be sent; the next run sends it again', { detail: failure });
      break;
    }
    await stream.moveTo(receiver.url, position);
    sent += items.length;
  }
  return { sent };
}
