import * as z from 'zod';
import { type Arrival, opensIncident, scopeOf } from '../../../domain/alerts/admission.ts';
import { isOld, type UnmatchedScope, placesBeside, SHARED_SCOPE } from '../../../domain/alerts/unmatched.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import { absent, type Item, type Table, type Write } from '../core/table.ts';

const Stored = z.object({
  rev: z.number(),
  places: z.array(z.object({ scope: z.string(), incident: IncidentId, at: Timestamp })),
});

/** Where an arrival goes. `claim`: the write that claims a slot for an incident that opens there. */
export type Target = {
  scope: string;
  incident: IncidentRecord | undefined;
  mayOpen: boolean;
  claim?: (id: IncidentId, at: Timestamp) => Write;
};

/** For arrivals that cannot open or join an incident: they are only recorded. */
const RECORDED: Target = { scope: '', incident: undefined, mayOpen: false };

/** `open`: by scope. `free`: slots whose hour has passed and whose incidents are resolved. */
type Places = {
  rev: number;
  taken: readonly UnmatchedScope[];
  free: readonly UnmatchedScope[];
  max: number;
  open: ReadonlyMap<string, IncidentRecord>;
};

/** Reads the used slots and the open incidents that these alerts may belong to. Strongly consistent. */
export async function placesNow(
  table: Table,
  arrivals: readonly Arrival[],
  { now, max }: { now: Timestamp; max: number },
): Promise<Places> {
  const scopes = [...new Set([SHARED_SCOPE, ...arrivals.map(({ signal }) => scopeOf(signal))])];
  const [item, ...pointers] = await table.getAll([keys.unmatchedPlaces(), ...scopes.map(keys.open)]);
  const { rev, places: taken } = item === undefined ? { rev: 0, places: [] } : Stored.parse(item);
  const old = taken.filter((place) => isOld(place, now));
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

/**
 * Returns where an alert of a service outside the catalogue goes: into its service's own incident, into the shared one,
 * or into the record.
 *
 * @param row the known episode of the alert
 */
export function targetOf(table: Table, now: Places, arrival: Arrival, row: Item | undefined): Target {
  const scope = scopeOf(arrival.signal);
  const [own, ofOthers] = [now.open.get(scope), now.open.get(SHARED_SCOPE)];
  const shared: Target = { scope: SHARED_SCOPE, incident: ofOthers, mayOpen: true };
  if (ofOthers !== undefined && row?.['incident_id'] === ofOthers.id) return shared;
  if (own !== undefined) return { scope, incident: own, mayOpen: true };
  if (!opensIncident([arrival])) return RECORDED;
  const claim = claimOf(table, now, scope);
  return claim === undefined ? shared : { scope, incident: undefined, mayOpen: true, claim };
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

/** Returns undefined if all slots are taken. */
function claimOf(table: Table, places: Places, scope: string): Target['claim'] {
  const { rev } = places;
  const others = placesBeside(places, scope);
  if (others === undefined) return undefined;
  return (incident, at) =>
    table.put(
      { ...keys.unmatchedPlaces(), rev: rev + 1, places: [...others, { scope, incident, at }] },
      rev === 0 ? absent : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': rev } },
    );
}
