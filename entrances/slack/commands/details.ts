import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { detailsCard } from '../../../core/domain/messages/incident-card.ts';
import type { IncidentVerb, Nothing, RunIncidentVerb } from './verb.ts';

/** Shows what the card of an incident has no room for: in a modal, or in a message if that could not be read in time. */
export const details: IncidentVerb<Nothing> = {
  permission: 'incidents:read',
  ofIncident: true,
  buttons: { details: (): Nothing => ({}) },
};

export const runDetails: RunIncidentVerb<Nothing> = async (deps, { caller }, id) => {
  caller.allow('incidents:read', await requireIncident(deps, id));
  const story = await deps.incidents.overview(id);
  return { answer: story === undefined ? null : detailsCard(story) };
};
