import * as z from 'zod';
import type { EvidencePacks } from '../../domain/ports/evidence.ts';
import type { AuditEntry } from '../../domain/ports/audit.ts';
import type { Blobs } from '../../domain/ports/system.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { EvidenceName } from '../../../schemas/incidents/evidence-pack.ts';
import { StoredEvidencePack } from '../../../schemas/incidents/stored-records.ts';
import { auditWrite } from '../audit/audit-writes.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, put, remove } from '../../../platforms/store.ts';

const Due = z.object({ id: IncidentId, name: EvidenceName });

/** Kind of the entries of the audit log that have the hashes of documents. */
export const EVIDENCE_KIND = 'evidence.stored';

/** Returns the key of the blob with a document. */
export const evidenceBlobKey = (id: string, name: string): string => `evidence/${id}/${name}.json`;

/** Stores evidence packs in blobs, and lists them beside their incidents. */
export class EvidenceTable implements EvidencePacks {
  readonly #table: Table;
  readonly #blobs: Blobs;

  constructor(table: Table, blobs: Blobs) {
    this.#table = table;
    this.#blobs = blobs;
  }

  async due(): ReturnType<EvidencePacks['due']> {
    const due = await collect(this.#table.each(keys.allEvidenceDue().pk), ({ sk }) => {
      const [id, name] = String(sk).split('#');
      return Due.safeParse({ id, name }).data ?? [];
    });
    return due.flat();
  }

  async keep(id: IncidentId, name: EvidenceName, document: string): Promise<Uint8Array> {
    const key = evidenceBlobKey(id, name);
    if (await this.#blobs.putNew(key, document, 'application/json')) return Buffer.from(document);
    const stored = await this.#blobs.get(key);
    if (stored === undefined) throw new Error(`blob ${key} exists, but cannot be read`);
    return stored;
  }

  async record(pack: Parameters<EvidencePacks['record']>[0], entry: AuditEntry): Promise<void> {
    const { incident_id: id, name } = pack;
    const { ok } = await this.#table.transact([
      put({ ...keys.evidence(id, name), ...pack }, absent),
      auditWrite(entry),
      remove(keys.evidenceDue(id, name)),
    ]);
    if (!ok) await this.settle(id, name); // recorded before
  }

  async settle(id: IncidentId, name: EvidenceName): Promise<void> {
    await this.#table.transact([remove(keys.evidenceDue(id, name))]);
  }

  async list(id: IncidentId): ReturnType<EvidencePacks['list']> {
    return collect(this.#table.each(keys.incident(id).pk, { prefix: 'EVIDENCE#' }), (item) =>
      StoredEvidencePack.parse(item),
    );
  }

  async read(id: IncidentId, name: EvidenceName): ReturnType<EvidencePacks['read']> {
    const item = await this.#table.get(keys.evidence(id, name));
    if (item === undefined) return undefined;
    return { pack: StoredEvidencePack.parse(item), document: await this.#blobs.get(evidenceBlobKey(id, name)) };
  }
}
