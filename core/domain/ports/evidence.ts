import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EvidenceName, EvidencePack } from '../../../schemas/incidents/evidence-pack.ts';
import type { AuditEntry } from './audit.ts';

/** Documents with the evidence of actions. Each is written once, and never changed. */
export type EvidencePacks = {
  /** Returns actions that have begun, and whose evidence is not stored yet. Strongly consistent. */
  due(): Promise<{ id: IncidentId; name: EvidenceName }[]>;
  /** Stores a document, unless there is one of this name. Returns the one that is stored. */
  keep(id: IncidentId, name: EvidenceName, document: string): Promise<Uint8Array>;
  /** Lists a stored document, and adds the entry with its hash to the audit log; once. */
  record(pack: EvidencePack, entry: AuditEntry): Promise<void>;
  /** Records that an action has no evidence to store. */
  settle(id: IncidentId, name: EvidenceName): Promise<void>;
  /** Returns the packs of an incident, sorted by name. Strongly consistent. */
  list(id: IncidentId): Promise<EvidencePack[]>;
  /** Returns a pack, with its document as it is stored. Undefined: there is no pack of this name. */
  read(
    id: IncidentId,
    name: EvidenceName,
  ): Promise<{ pack: EvidencePack; document: Uint8Array | undefined } | undefined>;
};
