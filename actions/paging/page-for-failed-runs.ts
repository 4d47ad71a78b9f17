import { isQuietTrial } from '../../domain/automation/shadow-trial.ts';
import { FAILED_RUNS_MAX } from '../../domain/incidents/failed-runs.ts';
import { needsPage, pageKey } from '../../domain/paging/pages.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { pageWithoutRun } from '../../workflows/steps/page.ts';

type PagingDeps = Omit<Parameters<typeof pageWithoutRun>[0], 'chat'>;

const CAUSES = [
  { text: `The workflow of this incident has failed ${FAILED_RUNS_MAX} times in a row. Handle the incident by hand` },
];

/** Pages without the workflow, because it keeps failing. Incidents that page nobody stay silent; their timeline shows it. */
export async function pageForFailedRuns(deps: PagingDeps, incident: IncidentRecord, number: number): Promise<void> {
  if (!needsPage(incident) || isQuietTrial(incident, await deps.config.current(), 'page')) return;
  await pageWithoutRun({ ...deps, chat: null }, { incidentId: incident.id, number, causes: CAUSES });
}

/** Repeats the newest page if no pager has accepted it yet: no run of the workflow does. */
export async function repeatPage(deps: PagingDeps, incident: IncidentRecord): Promise<void> {
  const { id, pages } = incident;
  if ((await deps.effects.get(id, pageKey(id, pages)))?.state === 'intended')
    await pageForFailedRuns(deps, incident, pages);
}
