import type { Handling, IncidentRole, RoleHolder } from '../../../schemas/people/response-roles.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { isSameActor } from '../access/actor-identity.ts';
import { withAcknowledgement, isAcknowledged } from '../paging/acknowledgement.ts';
import type { Amend, Amendment } from '../ports/incidents.ts';

/** Changes to an open incident by people; a change to the present value has no effect. */

/** A person who acts or is assigned. */
export type Assignee = Pick<RoleHolder, 'name' | 'shown' | 'slack'>;

type AmendmentEntry = NonNullable<Amendment['timeline']>;

const timelineEntry = (actor: string, kind: string, text: string, detail: unknown = null): AmendmentEntry => ({
  actor,
  kind,
  text,
  detail,
});

const holds = ({ roles }: IncidentRecord, role: IncidentRole, { name }: Assignee): boolean => {
  const holder = roles?.[role];
  return holder !== undefined && isSameActor(holder.name, name);
};

/** Acknowledges the incident when command is taken. */
const acknowledgementWith = (
  incident: IncidentRecord,
  role: IncidentRole,
  by: string,
  at: Timestamp,
): Partial<Amendment> => (role === 'commander' ? withAcknowledgement(incident, { by, at }) : {});

export const claimed =
  (role: IncidentRole, assignee: Assignee, at: Timestamp): Amend =>
  (incident) => {
    if (holds(incident, role, assignee)) return undefined;
    const before = incident.roles?.[role];
    const text = before === undefined ? `Took the ${role} role` : `Took the ${role} role from ${before.shown}`;
    return {
      roles: { [role]: { ...assignee, at } },
      ...acknowledgementWith(incident, role, assignee.name, at),
      timeline: timelineEntry(assignee.name, 'role.taken', text, { role }),
    };
  };

/** @param by person who assigns the role, if not the assignee */
export const assigned =
  (role: IncidentRole, to: Assignee, by: string, at: Timestamp): Amend =>
  (incident) =>
    holds(incident, role, to)
      ? undefined
      : {
          roles: { [role]: { ...to, at } },
          timeline: timelineEntry(by, 'role.assigned', `Assigned the ${role} role to ${to.shown}`, { role }),
        };

export const left =
  (role: IncidentRole, assignee: Assignee): Amend =>
  (incident) =>
    holds(incident, role, assignee)
      ? {
          roles: { [role]: null },
          timeline: timelineEntry(assignee.name, 'role.left', `Left the ${role} role`, { role }),
        }
      : undefined;

/** Hands over command, with a summary. */
export const handedOver =
  (to: Assignee, by: string, summary: string, at: Timestamp): Amend =>
  (incident) =>
    holds(incident, 'commander', to)
      ? undefined
      : {
          roles: { commander: { ...to, at } },
          timeline: timelineEntry(by, 'command.handed_over', `Handed over command to ${to.shown}. ${summary}`, {
            to: to.name,
          }),
        };

export const acknowledged =
  (by: string, at: Timestamp): Amend =>
  (incident) =>
    isAcknowledged(incident)
      ? undefined
      : {
          ...withAcknowledgement(incident, { by, at }),
          timeline: timelineEntry(by, 'incident.acknowledged', 'Acknowledged the incident'),
        };

/** Records that a person set or confirmed the severity. A change has a timeline entry of its own. */
export const triaged =
  (severity: Severity, by: string, at: Timestamp): Amend =>
  (incident) => {
    if (incident.handling?.triaged !== undefined) return undefined;
    const handling = { triaged: { by, at } };
    if (incident.severity !== severity) return { handling };
    return { handling, timeline: timelineEntry(by, 'incident.triaged', `Confirmed the severity ${severity}`) };
  };

/** Said of an update, whomever it concerns. */
export const UPDATE_RECORDED =
  'Update recorded. Firebreak notifies the stakeholders of this incident that response.yaml lists.';

/** Records an update to stakeholders. */
export const stakeholderUpdate =
  (update: NonNullable<Handling['stakeholder_update']> & { text: string }): Amend =>
  () => ({
    handling: { stakeholder_update: update },
    timeline: timelineEntry(update.by, 'incident.update', update.text),
  });
