import { serviceEntry } from '../../domain/catalogue.ts';
import type { OnCallPerson } from '../../domain/on-call.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import type { Somebody } from '../../domain/roles.ts';
import type { IncidentId } from '../../schemas/names.ts';

type OnCallDeps = Pick<Deps, 'incidents' | 'onCall' | 'config' | 'clock' | 'log'>;

/**
 * Whoever is on call for the team has command of what somebody declares, until somebody takes it. Where nobody can be
 * found out, nobody has: an incident does not wait for that.
 */
export async function giveCommandToOnCall(deps: OnCallDeps, id: IncidentId, place: Place): Promise<void> {
  const team = serviceEntry((await deps.config.current()).services, place.service)?.team;
  if (team === undefined) return;
  const told = await deps.onCall.now(team);
  if (told.kind !== 'done') {
    if (told.kind !== 'off') deps.log.warn('it is not known who is on call', { team, detail: told.detail });
    return;
  }
  const [first] = told.value.toSorted((a, b) => a.level - b.level);
  if (first === undefined) return;
  const holder = { ...somebodyOnCall(first), at: deps.clock.now() };
  const text = `${holder.shown} has command, being on call for ${team}`;
  await deps.incidents.amend(
    id,
    ({ roles }) =>
      roles?.commander === undefined
        ? {
            roles: { commander: holder },
            timeline: { actor: 'firebreak', kind: 'role.assigned', text, detail: { role: 'commander' } },
          }
        : undefined,
    'commander-on-call',
  );
}

const somebodyOnCall = ({ person, pagerduty, slack, name }: OnCallPerson): Somebody => ({
  name: person ?? (slack === null ? `pagerduty:${pagerduty}` : `slack:${slack}`),
  shown: name,
  slack,
});
