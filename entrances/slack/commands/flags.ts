import { turnFlagOn } from '../../../core/actions/incidents/turn-flag-on.ts';
import { answered } from '../outcome.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

type NamedFlag = { flag: string };

/** Turns a feature flag on again that Firebreak has turned off. */
export const flagOn: IncidentVerb<NamedFlag> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { turn_flag_on: ({ flag }) => ({ flag }) },
};

export const runFlagOn: RunIncidentVerb<NamedFlag> = async (deps, { caller }, id, { flag }) => {
  const { effects } = await turnFlagOn(deps, caller, { id, flag });
  const isOn = effects.some(
    ({ flag: switched, state }) => switched?.name === flag && switched.on && state === 'succeeded',
  );
  return answered(
    isOn
      ? `Feature flag ${flag} is on again.`
      : `Firebreak turns on feature flag ${flag} again. The timeline shows the result.`,
  );
};
