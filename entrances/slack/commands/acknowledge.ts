import { acknowledge as acknowledgeIncident } from '../../../core/actions/incidents/acknowledge.ts';
import { answered } from '../outcome.ts';
import { type IncidentVerb, noArguments, type Nothing, type RunIncidentVerb } from './verb.ts';

export const acknowledge: IncidentVerb<Nothing> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'ack',
  aliases: ['acknowledge'],
  usage: 'ack',
  description: 'acknowledge the incident and its pages',
  parse: noArguments,
  buttons: { acknowledge: () => ({}) },
};

export const runAcknowledge: RunIncidentVerb<Nothing> = async (deps, { caller, key }, id) => {
  await acknowledgeIncident(deps, caller, { id, key });
  const by = (await deps.incidents.read(id))?.handling?.acknowledged?.by;
  return by === undefined || by === caller.name
    ? answered('You have acknowledged the incident.')
    : answered(`${by} has already acknowledged the incident.`);
};
