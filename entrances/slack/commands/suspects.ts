import { clearingWords, clearSuspectChange } from '../../../core/actions/incidents/clear-suspect.ts';
import { restoreSuspectChange, restoringWords } from '../../../core/actions/incidents/restore-suspect.ts';
import { answered } from '../outcome.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

type Suspect = { change: string };

export const clearSuspect: IncidentVerb<Suspect> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { not_the_deploy: ({ change }) => ({ change }) },
};

export const runClearSuspect: RunIncidentVerb<Suspect> = async (deps, { caller, key }, id, { change }) => {
  const now = await clearSuspectChange(deps, caller, { id, change, key });
  return answered(clearingWords(now, caller.name));
};

/** Suspects a cleared change again. */
export const restoreSuspect: IncidentVerb<Suspect> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { suspect_again: ({ change }) => ({ change }) },
};

export const runRestoreSuspect: RunIncidentVerb<Suspect> = async (deps, { caller }, id, { change }) =>
  answered(restoringWords(await restoreSuspectChange(deps, caller, { id, change })));
