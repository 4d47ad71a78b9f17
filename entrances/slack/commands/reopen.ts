import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { executeResponseAction } from '../../../core/actions/incidents/response-action.ts';
import { answered } from '../outcome.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

type Reopen = { note: string | null };

export const reopen: IncidentVerb<Reopen> = {
  permission: 'incidents:act',
  ofIncident: true,
  command: 'incident',
  name: 'reopen',
  usage: 'reopen [NOTE]',
  description: 'reopen a resolved incident',
  parse: ({ textFrom }) => ({ note: textFrom(0) }),
  buttons: { reopen: (): Reopen => ({ note: null }) },
  freeText: ({ note }) => note,
};

export const runReopen: RunIncidentVerb<Reopen> = async (deps, { caller, key }, id, { note }) => {
  const before = await requireIncident(deps, id);
  if (before.status !== 'resolved') return answered('The incident is open already.');
  await executeResponseAction(deps, caller, { id, action: 'reopen', note: note ?? '', key });
  return answered('The incident is open again. A person resolves it.');
};
