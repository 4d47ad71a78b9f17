import { mintIncidentId } from '../../core/stores/ids.ts';
import { AutomationTable } from '../../core/stores/access/automation.ts';
import { ChangeTable } from '../../core/stores/changes/changes.ts';
import { PinTable } from '../../core/stores/changes/pins.ts';
import { RolloutTable } from '../../core/stores/changes/rollouts.ts';
import type { Table } from '../../core/stores/table.ts';
import { CodeTable } from '../../core/stores/changes/code.ts';
import { DecisionTable } from '../../core/stores/incidents/decisions.ts';
import { LookTable } from '../../core/stores/look/looks.ts';
import { EffectTable } from '../../core/stores/incidents/effects.ts';
import { EvidenceTable } from '../../core/stores/incidents/evidence.ts';
import { HealthSampleTable } from '../../core/stores/incidents/health-samples.ts';
import { IncidentGroupTable } from '../../core/stores/incidents/incident-groups.ts';
import { IncidentTable } from '../../core/stores/incidents/incidents.ts';
import { unobserved } from '../../core/stores/incidents/observers.ts';
import { RunbookTable } from '../../core/stores/incidents/runbooks.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { Blobs, Clock } from '../../core/domain/ports/system.ts';

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
    healthSamples: new HealthSampleTable(table),
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
