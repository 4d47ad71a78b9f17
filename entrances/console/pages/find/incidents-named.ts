import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { serviceEnvironmentText } from '../../../../core/domain/messages/story.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { ComputeReport } from '../../../../features/manifest.ts';
import { withNumbered } from '../incidents/list-data.ts';
import { hasDetails, listFilterOf } from '../incidents/list-filter.ts';

/** Results of each kind. */
export const SHOWN_MAX = 6;

export type FoundIncident = { kind: string; text: string; detail: string; href: string };

/** Returns incidents by words, those that are open without any. */
export const incidentsNamed: ComputeReport<{ text: string }, FoundIncident[]> = async (
  { incidents, clock },
  { text },
  may,
) => {
  const filter = { ...listFilterOf(new URLSearchParams()), text };
  const isMatch = (incident: IncidentRecord): boolean =>
    hasDetails(filter, incident) && may('incidents:read', incident);
  const { items: found } = await incidents.search({
    ...(text === '' && { state: 'open' }),
    limit: SHOWN_MAX,
    matches: isMatch,
  });
  const items = await withNumbered({ incidents }, found, text, isMatch);
  const today = clock.now().slice(0, 10);
  return items.map((incident) => ({
    kind: 'incident',
    text: `${incidentName(incident)} ${incident.title}`,
    detail: `${serviceEnvironmentText(incident)}, ${statusWords(incident)}${incident.opened_at.startsWith(today) ? '' : `, ${incident.opened_at.slice(0, 10)}`}`,
    href: incidentPath(incident),
  }));
};
