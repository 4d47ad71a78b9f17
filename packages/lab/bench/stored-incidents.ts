import { join } from 'node:path';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import { keys } from '../../../core/stores/keys.ts';
import type { Table } from '../../../core/stores/table.ts';
import { type Write } from '../../../platforms/store.ts';
import { timelineWrite } from '../../../core/stores/incidents/inbox.ts';
import { IncidentNumbers } from '../../../core/stores/incidents/incident-numbers.ts';
import { newIncidentWrites } from '../../../core/stores/incidents/new-incident.ts';
import { declaredIncident } from '../../../core/domain/incidents/new-incident.ts';
import { withTable } from './table.ts';
import {
  ChangeId,
  type EnvironmentName,
  type IncidentId,
  type ServiceName,
  type Version,
} from '../../../schemas/config/names.ts';
import type { IncidentRecord, Suspect } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { DATABASE_FILE } from '../../../platforms/sqlite/data-folder.ts';

/** A transaction writes at most this many items. */
const ITEMS_PER_WRITE = 100;

/** The stored incidents. `busy`: the ID of the incident with the long timeline. */
export type StoredIncidents = { busy: IncidentId };

/**
 * Writes open incidents and a long timeline into the table of a product that has been stopped.
 *
 * @param dataDir the product's data folder
 */
export const storeIncidents = (
  dataDir: string,
  services: readonly string[],
  { entries }: { entries: number },
): Promise<StoredIncidents> =>
  withTable(
    (table) => storeOpenIncidents(table, services, { entries, now: timestamp(Date.now()) }),
    join(dataDir, DATABASE_FILE),
  );

/**
 * Writes open incidents and a long timeline. Their workflows do not exist: a thousand of them would take minutes to start,
 * and the pages do not read them.
 *
 * @param services one open incident of each
 */
export async function storeOpenIncidents(
  table: Table,
  services: readonly string[],
  { entries, now }: { entries: number; now: Timestamp },
): Promise<StoredIncidents> {
  let busy: IncidentId | undefined;
  const newest = await new IncidentNumbers(table).newest();
  for (const [index, service] of services.entries()) {
    const incident = await store(table, service, {
      at: plusSeconds(now, index - services.length - 60),
      number: newest + 1 + index,
    });
    busy = incident.id;
  }
  if (busy === undefined) throw new Error('no services');
  await storeTimeline(table, busy, entries, now);
  return { busy };
}

async function store(
  table: Table,
  service: string,
  { at, number }: { at: Timestamp; number: number },
): Promise<IncidentRecord> {
  const target = { service: service as ServiceName, environment: 'production' as EnvironmentName };
  const declared = declaredIncident(
    { id: mintIncidentId(at), at },
    { ...target, title: `High error ratio of ${service}`, severity: 'critical', by: 'bench', trace: 'bench' },
  );
  const incident: IncidentRecord = { ...declared.incident, number, suspects: [suspect(2, 0.91), suspect(1, 0.06)] };
  // Omit the items that start a workflow and wake projectors.
  const omitted: ReadonlySet<unknown> = new Set(
    [keys.pending(incident.id), keys.due(`incident:${incident.id}`)].map(({ pk }) => pk),
  );
  const writes = newIncidentWrites({ ...declared, incident }).filter(
    (one) => !omitted.has(one.kind === 'put' ? one.item['pk'] : one.key.pk),
  );
  await write(table, writes);
  return incident;
}

const suspect = (number: number, confidence: number): Suspect => ({
  change_id: ChangeId.parse(`chg_${String(number).padStart(26, '0')}`),
  version: `v${number}` as Version,
  confidence,
  reasons: ['It was deployed 3 min before the errors began', 'Only its version has errors', 'Its author was the last'],
});

async function storeTimeline(table: Table, id: IncidentId, count: number, now: Timestamp): Promise<void> {
  const entries = Array.from({ length: count }, (_, number) =>
    timelineWrite(id, `bench-${String(number).padStart(6, '0')}`, {
      at: plusSeconds(now, number - count),
      actor: number % 3 === 0 ? 'ada' : 'firebreak',
      kind: number % 3 === 0 ? 'note' : 'alerts.joined',
      text: `Entry ${number}: the error ratio of the payment provider is above its limit in every region.`,
      detail: null,
    }),
  );
  for (let from = 0; from < count; from += ITEMS_PER_WRITE)
    await write(table, entries.slice(from, from + ITEMS_PER_WRITE));
}

async function write(table: Table, writes: Write[]): Promise<void> {
  const { ok } = await table.transact(writes);
  if (!ok) throw new Error('the incidents could not be written');
}
