import * as z from 'zod';
import { IncidentId } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';
import { Effect } from './incident.ts';

/** Names the format of an evidence pack, which starts with it. */
export const EVIDENCE_FORMAT = 'firebreak-evidence/1';

/** Name of an evidence pack within its incident: of the action that it is about, such as `roll-back.1`. */
export const EvidenceName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,119}$/, 'must be a name such as roll-back.1');
export type EvidenceName = z.infer<typeof EvidenceName>;

/** What is known about a stored evidence pack without reading it. */
export const EvidencePack = z.object({
  name: EvidenceName,
  incident_id: IncidentId,
  action: Effect.shape.kind,
  /** What was done, such as `Rolling back v2 to v1`. */
  text: z.string(),
  /** When the action began. */
  at: Timestamp,
  stored_at: Timestamp,
  /** Of the exact bytes of the document. The audit log has the same hash. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().positive(),
});
export type EvidencePack = z.infer<typeof EvidencePack>;
