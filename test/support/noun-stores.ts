import { mintIncidentId } from '../../core/stores/ids.ts';
import { AutomationTable } from '../../core/access/stores/automation.ts';
import { ChangeTable } from '../../core/changes/stores/changes.ts';
import { PinTable } from '../../core/changes/stores/pins.ts';
import { RolloutTable } from '../../core/changes/stores/rollouts.ts';
import type { Table } from '../../core/stores/table.ts';
import { CodeTable } from '../../core/changes/stores/code.ts';
import { DecisionTable } from '../../core/incidents/stores/decisions.ts';
import { LookTable } from '../../core/look/stores/looks.ts';
import { EffectTable } from '../../core/incidents/stores/effects.ts';
import { EvidenceTable } from '../../core/incidents/stores/evidence.ts';
import { IncidentGroupTable } from '../../core/incidents/stores/incident-groups.ts';
import { IncidentTable } from '../../core/incidents/stores/incidents.ts';
import { unobserved } from '../../core/incidents/stores/observers.ts';
import { RunbookTable } from '../../core/incidents/stores/runbooks.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { Blobs, Clock } from '../../core/ports/system.ts';

/** The stores that workflows use, on a table. */
export const nounStores = (
  table: Table,
  clock: Clock,
  blobs: Blobs,
  { observers = unobserved, mint = mintIncidentId } = {},
) =>
  ({
    incidents: new IncidentTable(table, clock, observers, mint),
    incidentGroups: new IncidentGroupTable(table, clock, observers, mint),
    decisions: new DecisionTable(table, blobs, clock, observers),
    effects: new EffectTable(table, clock, observers),
    looks: new LookTable(table),
    changes: new ChangeTable(table, clock),
    code: new CodeTable(table),
    rollouts: new RolloutTable(table, clock),
    pins: new PinTable(table, clock),
    runbooks: new RunbookTable(table, blobs, clock),
    automation: new AutomationTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
  }) satisfies Partial<Product>;

export function blobsInMemory(): Blobs {
  const kept = new Map<string, Uint8Array>();
  return {
    put: async (key, body) => {
      kept.set(key, typeof body === 'string' ? Buffer.from(body) : body);
    },
    putNew: async (key, body) => {
      if (kept.has(key)) return false;
      kept.set(key, typeof body === 'string' ? Buffer.from(body) : body);
      return true;
    },
    get: async (key) => kept.get(key),
  };
}
