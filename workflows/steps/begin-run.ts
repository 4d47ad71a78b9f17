import type { Deps } from '../../core/domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { type Deadlines, readDeadlines } from './deadlines.ts';
import { joinGroup } from './incident-group.ts';
import { openLooks } from './late-changes.ts';
import { unfinishedPages } from './page.ts';

type Begun = NonNullable<Awaited<ReturnType<typeof beginRun>>>;

/** What a run of the incident's workflow starts from. `deadlines`: absent in histories recorded before there were any. */
export type BegunRun = Omit<Begun, 'deadlines'> & { deadlines?: Deadlines };

/** Returns the state and time at which the run begins, and the setting after how many hours without activity it closes. */
export async function beginRun(deps: Deps, id: IncidentId, number: number, roundSeconds: number) {
  const [found, { paging, runbooks }] = await Promise.all([deps.incidents.begin(id), deps.config.current()]);
  if (found === undefined) return undefined;
  const quietRounds = Math.ceil((paging.autoResolveHours * 3600) / roundSeconds);
  const { incident, flapping } = await joinGroup(deps, found.incident);
  const looks = number > 1 ? await openLooks(deps, id, found.incident.consumed_seq) : null;
  const pages = number > 1 ? await unfinishedPages(deps, incident) : [];
  return {
    ...found,
    incident: checkpointed(incident),
    at: deps.clock.now(),
    quietRounds,
    flapping: flapping || incident.reopened_at !== undefined,
    anyRunbooks: runbooks.runbooks.length > 0,
    deadlines: await readDeadlines(deps, id, { known: incident }),
    ...(looks !== null && { looks }),
    ...(pages.length > 0 && { pages }),
  };
}

/** Returns the incident as it is checkpointed, without people's requests: steps read their current state from the table. */
function checkpointed(incident: IncidentRecord): IncidentRecord {
  const { last_requests: _asked, escalated: _escalated, opened_by: _openedBy, similar: _similar, ...rest } = incident;
  return rest;
}
