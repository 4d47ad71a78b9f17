import { isSameActor } from '../../domain/access/actor-identity.ts';
import { notThat, contacts } from '../../domain/access/refusals.ts';
import type { Text } from '../../domain/messages/channels.ts';
import { actorMay } from '../../domain/people/people.ts';
import type { Assignee } from '../../domain/people/roles.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { IncidentRole, type RoleHolder } from '../../schemas/people/response-roles.ts';
import { assignRole, handOver, leaveRole, takeRole } from '../../actions/incidents/acknowledge.ts';
import { view } from '../../actions/incidents/incident-view.ts';
import { assigneeOf, type Who } from '../../actions/incidents/acting-person.ts';
import { actorFor } from './known-user.ts';
import { channelSpan } from './channel-span.ts';
import { namedPerson } from './named-people.ts';
import type { ActionRequest } from './command.ts';
import type { Acting } from './incidents.ts';
import { answered, Declined, message, type Outcome } from './outcome.ts';
import type { CommandDeps } from './deps.ts';

type Of<A extends ActionRequest['act']> = Extract<ActionRequest, { act: A }>;
type Letter = NonNullable<Outcome['letters']>[number];

export async function takeRoleByCommand(
  deps: CommandDeps,
  doing: Acting,
  id: IncidentId,
  { role, vacant }: Of<'take'>,
): Promise<Outcome> {
  const { who } = doing;
  const before = await holderBefore(deps, doing, id, role);
  if (vacant && before !== null && !isSameActor(before.name, who.name))
    throw new Declined(
      `Superseded: ${before.shown} is already ${role}. To take over the role, enter `,
      { code: `/incident take ${role}` },
      '. Nothing was done.',
    );
  await takeRole(deps, who, { id, key: doing.key, role });
  if (before !== null && isSameActor(before.name, who.name)) return answered(`You are already ${role}.`);
  const incident = await recordOf(deps, id);
  return {
    ...answered(`You are now ${role}${before === null ? '' : `, in place of ${before.shown}`}.`),
    letters: letterToDisplaced(who, before, assigneeOf(who), [
      `${nameOf(who)} has taken over as ${role} of `,
      ...titleOf(incident),
    ]),
  };
}

/** Leaves a role; without a role, all of the person's roles. */
export async function leaveRolesByCommand(
  deps: CommandDeps,
  { who, key, trace }: Acting,
  id: IncidentId,
  { role }: Of<'leave'>,
): Promise<Outcome> {
  const roles = role === null ? IncidentRole.options : [role];
  const holders = await Promise.all(
    roles.map((one) => holderBefore(deps, { who, key: `${key}-${one}`, trace }, id, one)),
  );
  const own = roles.filter((_, index) => isSameActor(holders[index]?.name ?? '', who.name));
  if (own.length === 0) {
    who.allow('incidents:write', await view(deps, id));
    const holder = role === null ? undefined : holders[0];
    return answered(
      role === null
        ? 'You have no role in this incident.'
        : `You are not ${role}: ${holder === null || holder === undefined ? 'the role is unassigned' : `${holder.shown} is`}.`,
      ' Nothing was done.',
    );
  }
  for (const one of own) await leaveRole(deps, who, { id, key: `${key}-${one}`, role: one });
  return answered(
    `You are no longer ${own.join(' and ')}. ${own.length === 1 ? 'The role is' : 'The roles are'} now unassigned.`,
  );
}

export async function assignRoleByCommand(
  deps: CommandDeps,
  doing: Acting,
  id: IncidentId,
  { role, ...deed }: Of<'assign'>,
): Promise<Outcome> {
  const { who, key } = doing;
  const { user } = await namedPerson(deps, deed, '');
  const to = await holderOf(deps, who, id, user);
  const before = await holderBefore(deps, doing, id, role);
  await assignRole(deps, who, { id, key, role, to });
  if (before !== null && isSameActor(before.name, to.name)) return answered({ user }, ` is already ${role}.`);
  const incident = await recordOf(deps, id);
  return {
    ...answered({ user }, ` is now ${role}${inPlaceOf(before, who)}.`),
    letters: [
      ...letterTo(who, user, [`${nameOf(who)} has assigned you the ${role} role of `, ...titleOf(incident)]),
      ...letterToDisplaced(who, before, to, [
        `${nameOf(who)} has made ${to.shown} the ${role} of `,
        ...titleOf(incident),
      ]),
    ],
  };
}

export async function commandHandedOver(
  deps: CommandDeps,
  doing: Acting,
  id: IncidentId,
  deed: Of<'handover'>,
): Promise<Outcome> {
  const { who, key } = doing;
  const { user, brief } = await namedPerson(deps, deed, deed.brief);
  const to = await holderOf(deps, who, id, user);
  const before = await holderBefore(deps, doing, id, 'commander');
  const { brief: text } = await handOver(deps, who, { id, key, to, brief });
  if (before !== null && isSameActor(before.name, to.name))
    return answered(...(user === who.slack ? ['You have'] : [{ user }, ' has']), ' command already. Nothing was done.');
  const incident = await recordOf(deps, id);
  return {
    ...answered({ user }, ` now has command${inPlaceOf(before, who)}. The summary is on the timeline.`),
    letters: [
      ...letterTo(who, user, [`${nameOf(who)} has handed over command to you: `, ...titleOf(incident), `\n${text}`]),
      ...letterToDisplaced(who, before, to, [
        `${nameOf(who)} has handed over command to ${to.shown}: `,
        ...titleOf(incident),
        `\n${text}`,
      ]),
    ],
  };
}

export async function showRoles(deps: CommandDeps, { who }: Acting, id: IncidentId): Promise<Outcome> {
  const incident = await view(deps, id);
  who.allow('incidents:read', incident);
  const rows = IncidentRole.options.flatMap((role): Text => [
    '\n• ',
    { bold: role },
    `: ${incident.roles[role] ?? 'unassigned'}`,
  ]);
  return answered({ bold: incident.title }, ...rows);
}

const nameOf = ({ shown, name }: Who): string => shown ?? name;

/**
 * Returns the new holder of a role. They need permission to change the incident, which also leaving the role requires.
 *
 * @throws Declined
 */
async function holderOf(deps: CommandDeps, who: Who, id: IncidentId, user: string): Promise<Assignee> {
  const incident = await view(deps, id);
  who.allow('incidents:write', incident);
  const found = await actorFor(deps, user);
  if (!found.ok)
    throw new Declined(
      ...([{ user }, ` does not have permission: ${found.because}. Nothing was done.`] satisfies Text),
    );
  const { actor } = found;
  const now = deps.clock.now();
  if (!actorMay(actor, 'incidents:write', incident, now).allowed) {
    const ask = contacts(await deps.config.current(), 'incidents:write', incident, now);
    throw new Declined({ user }, ` ${notThat('incidents:write', incident)}. Nothing was done. `, ...ask);
  }
  return { name: actor.name, shown: actor.shown, slack: user };
}

/**
 * Returns the holder of a role before the request, so that a repeated delivery after an interruption gives the same
 * answer. Null: the role was unassigned.
 */
async function holderBefore(
  deps: CommandDeps,
  { key }: Acting,
  id: IncidentId,
  role: IncidentRole,
): Promise<Pick<RoleHolder, 'name' | 'shown' | 'slack'> | null> {
  const kept = `${key}-before`;
  const known = await deps.processedEvents.read(kept);
  if (known !== undefined) return (known.outcome as { holder: RoleHolder | null }).holder; // stored below
  const holder = (await recordOf(deps, id)).roles?.[role] ?? null;
  await deps.processedEvents.did(kept, { holder });
  return holder;
}

/** @throws Declined if there is no such incident */
async function recordOf({ incidents }: Pick<CommandDeps, 'incidents'>, id: IncidentId): Promise<IncidentRecord> {
  const incident = await incidents.read(id);
  if (incident === undefined) throw new Declined(`There is no incident ${id}. Nothing was done.`);
  return incident;
}

const inPlaceOf = (before: Assignee | null, who: Who): string =>
  before === null || isSameActor(before.name, who.name) ? '' : ` in place of ${before.shown}`;

/** Returns the direct message, unless the recipient is the acting person. */
const letterTo = (who: Who, user: string, text: Text): Letter[] =>
  user === who.slack ? [] : [{ user, message: message(text) }];

/** Returns the direct message to the previous holder, unless they acted themselves. */
const letterToDisplaced = (who: Who, before: Assignee | null, to: Assignee, text: Text): Letter[] =>
  before === null || before.slack === null || before.slack === to.slack || isSameActor(before.name, who.name)
    ? []
    : letterTo(who, before.slack, text);

function titleOf(incident: IncidentRecord): Text {
  const channel = channelSpan(incident);
  return [
    { bold: incident.title },
    `, ${incident.service} in ${incident.environment}`,
    ...(channel === undefined ? [] : [', ', channel]),
  ];
}
