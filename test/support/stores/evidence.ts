import type { EvidencePacks } from '../../../domain/ports/evidence.ts';
import type { AuditEntry } from '../../../domain/ports/freeze.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EvidenceName, EvidencePack } from '../../../schemas/incidents/evidence-pack.ts';
import type { FakeStore } from './store.ts';

/** Evidence packs in memory. `test/aws/table/incidents/evidence.test.ts` tests it together with the table. */
export class FakeEvidencePacks implements EvidencePacks {
  readonly #store: Pick<FakeStore, 'evidenceDue'>;
  readonly #packs = new Map<string, EvidencePack>();
  readonly #documents = new Map<string, Uint8Array>();
  readonly audited: AuditEntry[] = [];

  constructor(store: Pick<FakeStore, 'evidenceDue'>) {
    this.#store = store;
  }

  async due(): ReturnType<EvidencePacks['due']> {
    return [...this.#store.evidenceDue].toSorted().map((one) => {
      const [id = '', name = ''] = one.split('#');
      return { id: id as IncidentId, name };
    });
  }

  async keep(id: IncidentId, name: EvidenceName, document: string): Promise<Uint8Array> {
    const key = `${id}#${name}`;
    const kept = this.#documents.get(key) ?? Buffer.from(document);
    this.#documents.set(key, kept);
    return kept;
  }

  async record(pack: EvidencePack, entry: AuditEntry): Promise<void> {
    const key = `${pack.incident_id}#${pack.name}`;
    this.#store.evidenceDue.delete(key);
    if (this.#packs.has(key)) return;
    this.#packs.set(key, pack);
    this.audited.push(entry);
  }

  async settle(id: IncidentId, name: EvidenceName): Promise<void> {
    this.#store.evidenceDue.delete(`${id}#${name}`);
  }

  async list(id: IncidentId): Promise<EvidencePack[]> {
    return [...this.#packs]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, pack]) => (pack.incident_id === id ? [pack] : []));
  }

  async read(id: IncidentId, name: EvidenceName): ReturnType<EvidencePacks['read']> {
    const pack = this.#packs.get(`${id}#${name}`);
    return pack && { pack, document: this.#documents.get(`${id}#${name}`) };
  }
}
