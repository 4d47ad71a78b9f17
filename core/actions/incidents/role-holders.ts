import { lacksPermissionText } from '../../domain/access/refusals.ts';
import { listedMay } from '../../domain/people/people.ts';
import type { Assignee } from '../../domain/people/roles.ts';
import type { Caller } from '../people/caller.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { Person } from '../../../schemas/people/people.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireIncident } from './require-incident.ts';

const assigneeFor = (name: string, person: Person): Assignee => ({
  name,
  shown: person.name ?? name,
  slack: person.slack ?? null,
});

/** Returns the people of people.yaml who have the permissions that a role in an incident needs. */
export const possibleHolders = (
  config: Config,
  incident: { service: ServiceName; environment: EnvironmentName },
  now: Timestamp,
): Assignee[] =>
  Object.entries(config.people.people)
    .filter(([, person]) => listedMay(config, person, 'incidents:write', incident, now))
    .map(([name, person]) => assigneeFor(name, person));

/**
 * Returns a person of people.yaml who has the permissions that a role needs.
 *
 * @throws Refusal 403 if the caller may not change the incident, 404 without such an incident, 422 without such a
 *   person or if the person lacks permissions
 */
export async function holderNamed(
  deps: Pick<Deps, 'config' | 'incidents' | 'clock'>,
  caller: Caller,
  id: IncidentId,
  name: string,
): Promise<Assignee> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:write', incident);
  const config = await deps.config.current();
  const { people } = config.people;
  const names = Object.keys(people);
  const person = Object.entries(people).find(([key]) => key === name)?.[1];
  if (person === undefined)
    throw invalidAssignee(
      `${JSON.stringify(name)} is not in people.yaml${names.length === 0 ? ', which is empty' : `; it lists ${names.slice(0, 10).join(', ')}`}`,
    );
  if (!listedMay(config, person, 'incidents:write', incident, deps.clock.now()))
    throw invalidAssignee(
      `${name} ${lacksPermissionText('incidents:write', incident)}, according to their roles in people.yaml`,
    );
  return assigneeFor(name, person);
}

const invalidAssignee = (why: string): Refusal => new Refusal(422, 'invalid', `json: to: ${why}`);
