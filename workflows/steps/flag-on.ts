import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { flagOnKey } from '../../core/domain/rollback/switched-flags.ts';
import type { Flags } from '../../core/domain/rollback/targets.ts';
import type { Effect } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { wake } from '../wake.ts';
import { readAutomation } from './judge-incident.ts';
import { truncated } from '../../schemas/parsing/text.ts';

/** How a request ends. `detail`: the reason, if the flag was not turned on. */
type FlagEnd = { state: 'succeeded' | 'failed' | 'withheld' | 'superseded'; detail: string };

/** Result of one attempt. `is_off`: the flag is off, and may be turned on. */
export type FlagAttempt =
  | { kind: 'is_off' }
  | ({ kind: 'ended' } & FlagEnd)
  | { kind: 'later'; afterSeconds: number | null };

type CallDeps = Pick<Deps, 'effects' | 'config' | 'targets' | 'automation'>;
type FlagCall = { flags: Flags; effect: Effect & { flag: NonNullable<Effect['flag']> } };

const ended = (state: FlagEnd['state'], detail: string): FlagAttempt => ({ kind: 'ended', state, detail });

/**
 * Reads the flag before the first attempt: if it is on already, someone else has turned it on.
 *
 * @param number of the request within the incident
 */
export async function readFlag(deps: CallDeps, id: IncidentId, number: number): Promise<FlagAttempt> {
  const call = await flagCallOf(deps, id, number);
  if ('kind' in call) return call;
  const answer = await call.flags.read(call.effect.flag.name);
  switch (answer.kind) {
    case 'state':
      return answer.on ? ended('superseded', 'someone else has turned it on already') : { kind: 'is_off' };
    case 'refused':
      return ended('failed', answer.detail);
    case 'later':
      return { kind: 'later', afterSeconds: answer.afterSeconds };
  }
}

/** Makes one attempt. A repeat with the same key looks at the flag first. */
export async function turnFlagOnOnce(deps: CallDeps, id: IncidentId, number: number): Promise<FlagAttempt> {
  const call = await flagCallOf(deps, id, number);
  if ('kind' in call) return call;
  const { flags, effect } = call;
  const { key, service_environment: serviceEnvironment, flag } = effect;
  if (serviceEnvironment === undefined) return ended('failed', 'the request names no service');
  const reason = truncated(`${flag.by ?? 'A person'} requested to turn it on again`, 500);
  const answer = await flags.set({ ...serviceEnvironment, incident: id, reason, key, flag: flag.name, on: true });
  switch (answer.kind) {
    case 'succeeded':
      return ended('succeeded', '');
    case 'in_progress':
      return { kind: 'later', afterSeconds: answer.afterSeconds ?? null };
    case 'busy':
      return { kind: 'later', afterSeconds: null };
    case 'later':
      return { kind: 'later', afterSeconds: answer.afterSeconds };
    case 'superseded':
      return ended('superseded', `someone else has changed it in the meantime: it is ${answer.current}`);
    case 'failed':
    case 'refused':
      return ended('failed', answer.detail);
  }
}

/** Returns the flag service and the request. Reads the kill switch directly before the call. */
async function flagCallOf(deps: CallDeps, id: IncidentId, number: number): Promise<FlagCall | FlagAttempt> {
  const effect = await deps.effects.get(id, flagOnKey(id, number));
  if (effect?.flag === undefined || effect.service_environment === undefined)
    return ended('failed', 'the request is not stored');
  // An earlier run of the step may have died after the end.
  if (effect.state !== 'intended') return ended('succeeded', '');
  const { killSwitch } = await readAutomation(deps);
  if (killSwitch.state === 'unreadable') return { kind: 'later', afterSeconds: null };
  if (killSwitch.paused) return ended('withheld', 'the kill switch is on');
  const { service_environment: serviceEnvironment, flag } = effect;
  const config = environmentEntry((await deps.config.current()).services, serviceEnvironment)?.flags;
  const flags = config && (await deps.targets.flagsFor(config, serviceEnvironment));
  if (flags === undefined)
    return ended('failed', 'no flag service is configured for this service and environment (`flags` in the catalogue)');
  return { flags, effect: { ...effect, flag } };
}

/** Ends a request, on the timeline with the person who made it. Safe to repeat. */
export async function concludeFlagOn(
  deps: Pick<Deps, 'effects' | 'incidents' | 'decisions' | 'engine'>,
  id: IncidentId,
  number: number,
  { state, detail }: FlagEnd,
): Promise<null> {
  const effect = await deps.effects.get(id, flagOnKey(id, number));
  if (effect?.flag === undefined || effect.state !== 'intended') return null;
  const { name, by } = effect.flag;
  const text =
    state === 'succeeded'
      ? `Turned on feature flag ${name} again`
      : `Feature flag ${name} was not turned on again: ${detail}`;
  await deps.effects.conclude(id, effect.key, state, text, by);
  await wake(deps, id);
  return null;
}
