import { sha256 } from '../../core/stores/hash.ts';
import type { FeatureDeps } from '../manifest.ts';
import type { AuditStreamPorts } from './ports.ts';

/** Entries of one request, and requests of one run. */
const ENTRIES_PER_PART = 500;
const PARTS_PER_RUN = 5;

/**
 * Sends the sealed entries that the receiver does not have yet, oldest first. The end of a part is stored before it is
 * sent, and the position moves when it was accepted: after a failure, or the death of the process, the same part is sent
 * again with the same ID, whatever was sealed since.
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
    const { position, until } = await stream.progress(receiver.url);
    const { items, position: end } = await audit.sealedAfter(position, { limit: ENTRIES_PER_PART, until });
    if (end === null) break;
    if (until === null) await stream.keep(receiver.url, { position, until: end });
    const failure = await stream.send(receiver, `audit-${sha256(end).slice(0, 32)}`, items);
    if (failure !== null) {
      log.warn('the audit log could not be sent; the next run sends it again', { detail: failure });
      break;
    }
    await stream.keep(receiver.url, { position: end, until: null });
    sent += items.length;
  }
  return { sent };
}
