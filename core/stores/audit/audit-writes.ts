import type { AuditEntry } from '../../domain/ports/audit.ts';
import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { canonicalJson, sha256 } from '../../stores/hash.ts';
import { entryText } from './audit-entries.ts';
import { keys } from '../../stores/keys.ts';
import { put, type Write } from '../../../platforms/store.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Far below the limit of an audit log entry. */
const DETAIL_MAX_BYTES = 16 * 1024;
const TEXT_MAX_CHARS = 2000;
const SUBJECT_MAX_CHARS = 300;

/**
 * Records an action for the audit log in the same transaction as its effect. The entry gets an item of its own, so it
 * can neither conflict with other entries nor fail the transaction; `AuditLogTable.seal` moves it into the log. A
 * detail that is too long is replaced by its hash.
 */
export function auditWrite({ detail, ...entry }: AuditEntry): Write {
  const json = canonicalJson(detail);
  const isShort = Buffer.byteLength(json) <= DETAIL_MAX_BYTES;
  const text = entryText({
    ...entry,
    subject: entry.subject.slice(0, SUBJECT_MAX_CHARS).toWellFormed(),
    text: truncated(entry.text, TEXT_MAX_CHARS),
    detail: isShort ? detail : { sha256: sha256(json) },
  });
  return put({ ...keys.logWaiting(entry.at, entry.id), entry: text });
}

/** Records a timeline entry of an incident in the audit log. @param key unique within the incident */
export const incidentAuditWrite = (id: IncidentId, key: string, entry: TimelineEntry): Write =>
  auditWrite({
    id: `incident:${id}:${key}`,
    at: entry.at,
    actor: entry.actor,
    kind: entry.kind,
    subject: id,
    text: entry.text,
    detail: typeof entry.detail === 'object' ? { ...entry.detail } : {},
  });
