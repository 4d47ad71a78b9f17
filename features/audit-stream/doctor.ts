import type { Client } from '../../entrances/cli/client.ts';
import type { Finding } from '../../core/domain/catalogue/doctor-findings.ts';
import { StreamState } from './routes.ts';

const UNUSED = 'nothing was accepted yet. Entries are sent within five minutes if FIREBREAK_AUDIT_KEY is set';

/** Returns whether the receiver of the audit log has accepted the last request, or any, and since when it lacks entries. */
export async function streamFindings(client: Client): Promise<Finding[]> {
  const { receiver, used, failure } = await client.get('/v1/audit/stream', StreamState);
  if (receiver === null) return [];
  const about = 'audit stream';
  if (failure === null && used) return [{ verdict: 'ok', about, text: `${receiver}: the last request was accepted` }];
  if (failure === null) return [{ verdict: 'warn', about, text: `${receiver}: ${UNUSED}` }];
  const { at, detail, oldest } = failure;
  const text = `${receiver}: ${detail} (at ${at}). The oldest entry that it lacks is ${oldest.id}, of ${oldest.at}`;
  return [{ verdict: 'no', about, text }];
}
