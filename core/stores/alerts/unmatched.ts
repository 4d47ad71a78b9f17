import * as z from 'zod';
import { type Arrival, scopeOf } from '../../domain/alerts/admission.ts';
import { isReassignable, type Slots, SHARED_SCOPE, type UnmatchedScope } from '../../domain/alerts/unmatched.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { type Table } from '../../stores/table.ts';
import { absent, put, revisionIs, type Write } from '../../../platforms/store.ts';

const StoredSlots = z.object({
  rev: z.number(),
  slots: z.array(z.object({ scope: z.string(), incident: IncidentId, at: Timestamp })),
});

/**
 * Reads the used slots of services outside the catalogue, with the revision of their item, and the open incidents that
 * these alerts may belong to. Strongly consistent.
 */
export async function readSlots(
  table: Table,
  arrivals: readonly Arrival[],
  { now, max }: { now: Timestamp; max: number },
): Promise<Slots & { rev: number }> {
  const scopes = [...new Set([SHARED_SCOPE, ...arrivals.map(({ signal }) => scopeOf(signal))])];
  const [item, ...pointers] = await table.getAll([keys.unmatchedSlots(), ...scopes.map(keys.open)]);
  const { rev, slots: taken } = item === undefined ? { rev: 0, slots: [] } : StoredSlots.parse(item);
  const old = taken.filter((slot) => isReassignable(slot, now));
  const incidents = await incidentsOf(table, [
    ...pointers.map((pointer) => pointer?.['incident_id']),
    ...old.map(({ incident }) => incident),
  ]);
  const isOver = (incident: IncidentRecord | undefined): boolean => incident?.status === 'resolved';
  const open = scopes.flatMap((scope, n): [string, IncidentRecord][] => {
    const incident = incidents.get(String(pointers[n]?.['incident_id']));
    return incident === undefined || isOver(incident) ? [] : [[scope, incident]];
  });
  return { rev, taken, free: old.filter(({ incident }) => isOver(incidents.get(incident))), max, open: new Map(open) };
}

async function incidentsOf(table: Table, ids: readonly unknown[]): Promise<ReadonlyMap<string, IncidentRecord>> {
  const wanted = [...new Set(ids.filter((id) => id !== undefined))].map((id) => keys.incident(IncidentId.parse(id)));
  const found = wanted.length === 0 ? [] : await table.getAll(wanted);
  return new Map(
    found.flatMap((item): [string, IncidentRecord][] =>
      item === undefined ? [] : [[String(item['id']), StoredIncident.parse(item)]],
    ),
  );
}

/** Returns the write of the slots, on condition that they are still as they were read. */
export const slotsWrite = (rev: number, slots: readonly UnmatchedScope[]): Write =>
  put({ ...keys.unmatchedSlots(), rev: rev + 1, slots }, rev === 0 ? absent : revisionIs(rev));
