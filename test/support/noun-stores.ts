import { mintIncidentId } from '../../stores/core/ids.ts';
import { AutomationTable } from '../../stores/access/automation.ts';
import { ChangeTable } from '../../stores/changes/changes.ts';
import { PinTable } from '../../stores/changes/pins.ts';
import { RolloutTable } from '../../stores/changes/rollouts.ts';
import type { Table } from '../../stores/core/table.ts';
import { CodeTable } from '../../stores/delivery/code.ts';
import { DecisionTable } from '../../stores/incidents/decisions.ts';
import { EffectTable } from '../../stores/incidents/effects.ts';
import { EvidenceTable } from '../../stores/incidents/evidence.ts';
import { IncidentGroupTable } from '../../stores/incidents/incident-groups.ts';
import { IncidentTable } from '../../stores/incidents/incidents.ts';
import { unobserved } from '../../stores/incidents/observers.ts';
import { RunbookTable } from '../../stores/incidents/runbooks.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Blobs, Clock } from '../../domain/ports/system.ts';

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
    changes: new ChangeTable(table, clock),
    code: new CodeTable(table),
    rollouts: new RolloutTable(table, clock),
    pins: new PinTable(table, clock),
    runbooks: new RunbookTable(table, blobs, clock),
    automation: new AutomationTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
  }) satisfies Partial<Deps>;

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
