import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Handling, Roles } from '../../../../schemas/people/response-roles.ts';
import type { Amendment } from '../../ports/incidents.ts';
import type { Agent } from './users.ts';

/**
 * Replaces a PagerDuty name in an incident by the person, once that person has been identified. A user who is not
 * listed in people.yaml keeps the name from PagerDuty. Undefined: the name is no longer unidentified.
 *
 * @param name name in the incident, such as `pagerduty:PTUXL6G`
 */
export function withIdentifiedUser(
  { handling, roles }: Pick<IncidentRecord, 'handling' | 'roles'>,
  name: string,
  agent: Agent,
): Amendment | undefined {
  if (handling?.unidentified?.includes(name) !== true) return undefined;
  const unidentified = handling.unidentified.filter((actor) => actor !== name);
  if (agent.name === name) return { handling: { unidentified } };
  return {
    handling: { ...handlingWithName(handling, name, agent.name), unidentified },
    roles: rolesWithName(roles, name, agent),
    timeline: {
      actor: 'firebreak',
      kind: 'person.recognised',
      text: `${name} is ${agent.shown}, according to PagerDuty`,
      detail: { was: name, is: agent.name },
    },
  };
}

function handlingWithName(
  { acknowledged, stakeholder_update: update }: Handling,
  name: string,
  newName: string,
): Handling {
  const by = (actor: string): string => (actor === name ? newName : actor);
  return {
    ...(acknowledged && {
      acknowledged: {
        ...acknowledged,
        by: by(acknowledged.by),
        ...(acknowledged.last_at_pager && {
          last_at_pager: { ...acknowledged.last_at_pager, by: by(acknowledged.last_at_pager.by) },
        }),
      },
    }),
    ...(update && { stakeholder_update: { ...update, by: by(update.by) } }),
  };
}

const rolesWithName = (roles: Roles = {}, name: string, { name: newName, shown, slack }: Agent): Roles =>
  Object.fromEntries(
    Object.entries(roles).map(([role, holder]) => [
      role,
      holder.name === name ? { ...holder, name: newName, shown, slack } : holder,
    ]),
  );
