import type { Change } from '../../../schemas/changes/change.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { flagKeyOf, turnedFlagOff } from '../changes/flags.ts';
import { byStart } from '../changes/versions.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

type FlagEffect = Effect & { flag: NonNullable<Effect['flag']>; service_environment: ServiceEnvironment };

/** A flag that Firebreak has set in an incident. `changed`: someone else has set it since, as the flag service said. */
export type SwitchedFlag = {
  name: string;
  state: 'turning_off' | 'off' | 'turning_on' | 'on' | 'changed';
  /** The newest effect that determines the state. */
  effect: FlagEffect;
};

/**
 * A request to turn a flag on again that has not ended after this time was lost, because its workflow gives up after an
 * hour. A request to turn a flag off is part of the incident's own workflow, so it is never regarded as lost.
 */
export const LOST_SECONDS = 2 * 3600;

/**
 * Returns the flags that Firebreak has set in an incident, each with its state; the one set last is the last.
 *
 * @param now absent: no request counts as lost
 */
export function switchedFlags(effects: readonly Effect[], now?: Timestamp): SwitchedFlag[] {
  const relevant = effects
    .filter((effect): effect is FlagEffect => effect.flag !== undefined && effect.service_environment !== undefined)
    .filter(({ state }) => state !== 'failed' && state !== 'withheld')
    .filter(
      ({ flag, state, at }) =>
        now === undefined || !flag.on || state !== 'intended' || secondsBetween(at, now) < LOST_SECONDS,
    )
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const newest = new Map<string, FlagEffect>();
  for (const effect of relevant) {
    const { service, environment } = effect.service_environment;
    const id = JSON.stringify([service, environment, effect.flag.name]);
    newest.delete(id);
    newest.set(id, effect);
  }
  return [...newest.values()].map((effect) => ({ name: effect.flag.name, state: stateOf(effect), effect }));
}

function stateOf({ flag: { on }, state }: FlagEffect): SwitchedFlag['state'] {
  if (state === 'superseded') return 'changed';
  if (state === 'succeeded') return on ? 'on' : 'off';
  return on ? 'turning_on' : 'turning_off';
}

/** Returns the newest recorded change that has set a flag to other than off since an effect turned it off. */
export const changedSince = (
  changes: readonly Change[],
  { flag, at }: Pick<FlagEffect, 'flag' | 'at'>,
): Change | undefined =>
  changes
    .filter(({ kind, started_at }) => kind === 'flag' && started_at > at)
    .filter((change) => flagKeyOf(change) === flag.name && !turnedFlagOff(change))
    .toSorted(byStart)
    .at(-1);

/** Returns the idempotency key of a request to turn a flag on again, by its number in the incident. */
export const flagOnKey = (id: IncidentId, number: number): string => `${id}.flag-on.${number}`;

/** Returns the number of a request to turn a flag on again from its key. */
export const flagOnNumber = (key: string): number => Number(key.slice(key.lastIndexOf('.') + 1));
