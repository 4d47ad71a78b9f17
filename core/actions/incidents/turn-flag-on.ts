import type { Deps } from '../../domain/ports/deps.ts';
import {
  changedSince,
  flagOnKey,
  flagOnNumber,
  type SwitchedFlag,
  switchedFlags,
} from '../../domain/rollback/switched-flags.ts';
import { incidentName, type Named } from '../../domain/incidents/incident-number.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import { Refusal } from '../../domain/refusal.ts';
import { acknowledgeByActing } from './acknowledge-by-acting.ts';
import { requireIncident } from './require-incident.ts';
import type { Caller } from '../people/caller.ts';
import { withNote } from '../../domain/incidents/with-note.ts';

/** Number of newest changes searched for one by someone else. */
const CHANGES_READ = 50;

/**
 * Requests that a feature flag be turned on again that Firebreak has turned off in this incident. A workflow does it.
 * Works for resolved incidents, too: often the cause is corrected only later. A repeat changes nothing.
 *
 * @param note text for the timeline; empty: a default text
 * @returns the updated incident
 * @throws Refusal 403, 404; 409 `flag-not-off`, `flag-changed`, `automation-paused`
 */
export async function turnFlagOn(
  deps: Pick<Deps, 'automation' | 'changes' | 'clock' | 'effects' | 'runs' | 'incidents'>,
  caller: Caller,
  { id, flag: name, note = '' }: { id: IncidentId; flag: string; note?: string },
): Promise<IncidentView> {
  const before = await requireIncident(deps, id);
  caller.allow('incidents:act', before);
  const all = switchedFlags(before.effects, deps.clock.now());
  const found = all.findLast((one) => one.name === name);
  if (found === undefined) throw notTurnedOff(before, name, all);
  const { effect, state } = found;
  caller.allow('incidents:act', effect.service_environment);
  if (state === 'on') return before;
  // The process may have died before it started the workflow.
  if (state === 'turning_on') return startAndView(deps, id, flagOnNumber(effect.key));
  if (state === 'turning_off')
    throw new Refusal(409, 'flag-not-off', `feature flag ${name} is still being turned off; wait until that ends`);
  if (state === 'changed')
    throw new Refusal(409, 'flag-changed', `someone else has changed feature flag ${name} since: ${effect.detail}`);
  const changed = changedSince(await deps.changes.recent(effect.service_environment, CHANGES_READ), effect);
  if (changed !== undefined) {
    const by = changed.author ?? 'someone else';
    throw new Refusal(
      409,
      'flag-changed',
      `${by} has changed feature flag ${name} at ${changed.started_at}, after Firebreak turned it off: ${changed.version}`,
    );
  }
  if ((await deps.automation.read()).paused)
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so Firebreak changes no flag; resume automation first',
    );
  const number =
    1 + Math.max(0, ...before.effects.filter(({ key }) => isFlagOn(id, key)).map(({ key }) => flagOnNumber(key)));
  const intended = await intend(deps, caller, found, { id, number, note });
  if (before.status !== 'resolved') await acknowledgeByActing(deps, caller, id);
  return startAndView(deps, id, intended);
}

const isFlagOn = (id: IncidentId, key: string): boolean => key.startsWith(flagOnKey(id, 0).slice(0, -1));

/** Stores the request; returns its number. A concurrent request for the same flag counts as this one. */
async function intend(
  { effects, incidents, clock }: Pick<Deps, 'effects' | 'incidents' | 'clock'>,
  { name: by }: Caller,
  { name, effect }: SwitchedFlag,
  { id, number, note }: { id: IncidentId; number: number; note: string },
): Promise<number> {
  const key = flagOnKey(id, number);
  const { target, class: guarantee, service_environment, resource, stand_in } = effect;
  const stored = await effects.intend(id, {
    key,
    kind: 'flag',
    target,
    class: guarantee,
    detail: `Turning on feature flag ${name} again`,
    flag: { name, on: true, by },
    service_environment,
    ...(resource !== undefined && { resource }),
    ...(stand_in && { stand_in }),
  });
  if (stored.flag?.name !== name)
    throw new Refusal(409, 'flag-changed', `another feature flag was turned on at the same time; repeat the request`);
  await incidents.note(id, `${key}-requested`, {
    at: clock.now(),
    actor: stored.flag.by ?? by,
    kind: 'flag.requested',
    text: withNote(`Requested to turn on feature flag ${name} again`, note),
    detail: { key, flag: name },
  });
  return number;
}

async function startAndView(
  deps: Pick<Deps, 'runs' | 'incidents'>,
  id: IncidentId,
  number: number,
): Promise<IncidentView> {
  await deps.runs.flag.start(id, number);
  return requireIncident(deps, id);
}

function notTurnedOff(incident: Named, name: string, all: readonly SwitchedFlag[]): Refusal {
  const off = all.filter(({ state }) => state === 'off').map((one) => one.name);
  const others = off.length === 0 ? '' : `; it has turned off: ${off.join(', ')}`;
  return new Refusal(
    409,
    'flag-not-off',
    `Firebreak has not turned off feature flag ${name} in ${incidentName(incident)}${others}`,
  );
}
