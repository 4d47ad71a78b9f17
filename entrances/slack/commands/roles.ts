import { isSameActor } from '../../../core/domain/access/actor-identity.ts';
import { lacksPermissionText, whomToAsk } from '../../../core/domain/access/refusals.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import { actorMay } from '../../../core/domain/people/people.ts';
import type { Assignee } from '../../../core/domain/people/roles.ts';
import { nearest } from '../../../schemas/parsing/similar-names.ts';
import { userIn } from '../../../core/domain/slack/commands/text.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { IncidentRole, type RoleHolder } from '../../../schemas/people/response-roles.ts';
import { assignRole, handOver, leaveRole, takeRole } from '../../../core/actions/incidents/acknowledge.ts';
import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { assigneeOf, type Caller } from '../../../core/actions/people/caller.ts';
import { channelSpan } from '../execution/channel.ts';
import type { CommandDeps } from '../deps.ts';
import { actorFor } from '../execution/known-user.ts';
import { namedPerson } from '../execution/named-people.ts';
import { answered, Declined, message, type Outcome } from '../outcome.ts';
import { personSelect, TEXT_MAX, textInput } from '../modals/blocks.ts';
import { FIELDS } from '../modals/form.ts';
import {
  type ActionContext,
  type CommandArguments,
  type IncidentVerb,
  noArguments,
  type Nothing,
  type RunIncidentVerb,
  type UsageError,
} from './verb.ts';

export const roles: IncidentVerb<Nothing> = {
  permission: 'incidents:read',
  ofIncident: true,
  reads: true,
  command: 'incident',
  name: 'roles',
  aliases: ['who'],
  usage: 'roles',
  description: 'show the roles and who has them',
  parse: noArguments,
};

export const runRoles: RunIncidentVerb<Nothing> = async (deps, { caller }, id) => {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:read', incident);
  const rows = IncidentRole.options.flatMap((role): Text => [
    '\n• ',
    { bold: role },
    `: ${incident.roles[role] ?? 'unassigned'}`,
  ]);
  return answered({ bold: incident.title }, ...rows);
};

/** `vacant`: only if the role is unassigned. */
type Take = { role: IncidentRole; vacant?: true };

export const take: IncidentVerb<Take> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'take',
  aliases: ['claim', 'lead'],
  usage: 'take [ROLE]',
  description: 'take a role: commander (the default), communications, or scribe',
  parse({ words }) {
    const word = words.join('-') || 'commander';
    const role = roleIn(word);
    return role === undefined ? noRole(word) : { role };
  },
  buttons: { take_command: () => ({ role: 'commander', vacant: true }) },
};

export const runTake: RunIncidentVerb<Take> = async (deps, actionContext, id, { role, vacant = false }) => {
  const { caller } = actionContext;
  const before = await holderBefore(deps, actionContext, id, role);
  if (vacant && before !== null && !isSameActor(before.name, caller.name))
    throw new Declined(
      `Superseded: ${before.shown} is already ${role}. To take over the role, enter `,
      { code: `/incident take ${role}` },
      '. Nothing was done.',
    );
  await takeRole(deps, caller, { id, key: actionContext.key, role });
  if (before !== null && isSameActor(before.name, caller.name)) return answered(`You are already ${role}.`);
  const incident = await recordOf(deps, id);
  return {
    ...answered(`You are now ${role}${before === null ? '' : `, in place of ${before.shown}`}.`),
    emails: messageToDisplaced(caller, before, assigneeOf(caller), [
      `${nameOf(caller)} has taken over as ${role} of `,
      ...titleOf(incident),
    ]),
  };
};

/** `role` null: all roles of the person. */
type Leave = { role: IncidentRole | null };

export const leave: IncidentVerb<Leave> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'leave',
  aliases: ['drop', 'unassign', 'step-down'],
  usage: 'leave [ROLE]',
  description: 'leave a role; without a role, all your roles',
  parse({ words }) {
    if (words.length === 0) return { role: null };
    const role = roleIn(words.join('-'));
    return role === undefined ? noRole(words.join('-')) : { role };
  },
};

export const runLeave: RunIncidentVerb<Leave> = async (deps, { caller, key, trace }, id, { role }) => {
  const requestedRoles = role === null ? IncidentRole.options : [role];
  const holders = await Promise.all(
    requestedRoles.map((name) => holderBefore(deps, { caller, key: `${key}-${name}`, trace }, id, name)),
  );
  const heldRoles = requestedRoles.filter((_, index) => isSameActor(holders[index]?.name ?? '', caller.name));
  if (heldRoles.length === 0) {
    caller.allow('incidents:write', await requireIncident(deps, id));
    const holder = role === null ? undefined : holders[0];
    return answered(
      role === null
        ? 'You have no role in this incident.'
        : `You are not ${role}: ${holder === null || holder === undefined ? 'the role is unassigned' : `${holder.shown} is`}.`,
      ' Nothing was done.',
    );
  }
  for (const held of heldRoles) await leaveRole(deps, caller, { id, key: `${key}-${held}`, role: held });
  return answered(
    `You are no longer ${heldRoles.join(' and ')}. ${heldRoles.length === 1 ? 'The role is' : 'The roles are'} now unassigned.`,
  );
};

/** `called`: text after an `@` that is not a mention; it starts with a name. */
type Assign = { role: IncidentRole; user: string | null; called?: string };

export const assign: IncidentVerb<Assign> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'assign',
  usage: 'assign ROLE @USER',
  description: 'assign a role to another person',
  parse: parseAssign,
};

/** Accepts role and user in either order. */
function parseAssign({ words }: CommandArguments): Assign | UsageError {
  const mentioned = words.find((word) => userIn(word) !== undefined);
  const user = mentioned === undefined ? undefined : userIn(mentioned);
  const others = words.filter((word) => word !== mentioned);
  const word = others.join('-');
  const role = roleIn(word);
  if (user === undefined)
    return (
      assignByName(words) ?? {
        error: 'the person is missing: mention them, such as @name',
        suggestion: mentionSuggestion(others),
      }
    );
  if (word === '')
    return { error: `the role is missing: use ${ROLES_IN_WORDS}`, suggestion: `commander ${mentioned ?? ''}` };
  return role === undefined ? noRole(word, ` ${mentioned ?? ''}`) : { role, user };
}

/** Parses `scribe @Ada Park`: if Slack does not resolve mentions for apps, they arrive as the typed text. */
function assignByName(words: readonly string[]): Assign | undefined {
  const roleWord = words.find((word) => roleIn(word) !== undefined);
  const role = roleWord === undefined ? undefined : roleIn(roleWord);
  const [first = '', ...more] = words.filter((word) => word !== roleWord);
  if (role === undefined || !TYPED_MENTION.test(first)) return undefined;
  return { role, user: null, called: [first.slice(1), ...more].join(' ') };
}

const TYPED_MENTION = /^@\S/;

/** Returns the arguments with an `@`, for which Slack offers completions. */
function mentionSuggestion(words: readonly string[]): string {
  const roleWord = words.find((word) => roleIn(word) !== undefined);
  const name = words.find((word) => word !== roleWord)?.replace(/^@/, '') ?? 'name';
  return `${(roleWord && roleIn(roleWord)) ?? 'commander'} @${name}`;
}

export const runAssign: RunIncidentVerb<Assign> = async (deps, actionContext, id, { role, ...named }) => {
  const { caller, key } = actionContext;
  const { user } = await namedPerson(deps, named, '');
  const to = await holderOf(deps, caller, id, user);
  const before = await holderBefore(deps, actionContext, id, role);
  await assignRole(deps, caller, { id, key, role, to });
  if (before !== null && isSameActor(before.name, to.name)) return answered({ user }, ` is already ${role}.`);
  const incident = await recordOf(deps, id);
  return {
    ...answered({ user }, ` is now ${role}${inPlaceOf(before, caller)}.`),
    emails: [
      ...directMessageTo(caller, user, [
        `${nameOf(caller)} has assigned you the ${role} role of `,
        ...titleOf(incident),
      ]),
      ...messageToDisplaced(caller, before, to, [
        `${nameOf(caller)} has made ${to.shown} the ${role} of `,
        ...titleOf(incident),
      ]),
    ],
  };
};

type HandOver = { user: string | null; called?: string; brief: string | null };

export const handover: IncidentVerb<HandOver> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'handover',
  aliases: ['hand-over', 'handoff', 'hand-off'],
  usage: 'handover @USER [SUMMARY]',
  description: 'hand over command, with a short summary',
  parse({ words, textFrom }) {
    const [first] = words;
    if (first === undefined) return { user: null, brief: null };
    const user = userIn(first);
    if (user === undefined && TYPED_MENTION.test(first))
      return { user: null, called: (textFrom(0) ?? first).slice(1), brief: null };
    if (user === undefined)
      return {
        error: 'the person is missing: mention the new commander, such as @name',
        suggestion: `@name ${textFrom(0) ?? ''}`.trim(),
      };
    return { user, brief: textFrom(1) };
  },
  isComplete: ({ user, called }) => user !== null || called !== undefined,
  dialog: {
    id: 'hand_over',
    title: 'Hand over',
    submit: 'Hand over',
    field: FIELDS.text,
    isNeededFor: ({ user, called, brief }) => called === undefined && (user === null || brief === null),
    blocks: ({ draft, incidentFields }) => [
      ...incidentFields,
      personSelect({ field: FIELDS.user, label: 'New commander', initial: draft?.user ?? null }),
      textInput({
        field: FIELDS.text,
        label: 'Summary',
        hint: 'Impact, actions so far, and next steps. If you leave it empty, Firebreak creates a summary from the incident.',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
    read: (fields) => ({
      user: fields.needed(FIELDS.user, 'Select the new commander'),
      brief: fields.text(FIELDS.text),
    }),
  },
  freeText: ({ brief, called }) => brief ?? called ?? null,
};

export const runHandover: RunIncidentVerb<HandOver> = async (deps, actionContext, id, request) => {
  const { caller, key } = actionContext;
  const { user, brief } = await namedPerson(deps, request, request.brief);
  const to = await holderOf(deps, caller, id, user);
  const before = await holderBefore(deps, actionContext, id, 'commander');
  const { brief: text } = await handOver(deps, caller, { id, key, to, brief });
  if (before !== null && isSameActor(before.name, to.name))
    return answered(
      ...(user === caller.slack ? ['You have'] : [{ user }, ' has']),
      ' command already. Nothing was done.',
    );
  const incident = await recordOf(deps, id);
  return {
    ...answered({ user }, ` now has command${inPlaceOf(before, caller)}. The summary is on the timeline.`),
    emails: [
      ...directMessageTo(caller, user, [
        `${nameOf(caller)} has handed over command to you: `,
        ...titleOf(incident),
        `\n${text}`,
      ]),
      ...messageToDisplaced(caller, before, to, [
        `${nameOf(caller)} has handed over command to ${to.shown}: `,
        ...titleOf(incident),
        `\n${text}`,
      ]),
    ],
  };
};

const ROLES: Readonly<Record<string, IncidentRole>> = {
  ...Object.fromEntries(IncidentRole.options.map((role) => [role, role])),
  ...Object.fromEntries(['command', 'ic', 'lead', 'incident-commander'].map((word) => [word, 'commander'])),
  ...Object.fromEntries(['comms', 'communication', 'comm'].map((word) => [word, 'communications'])),
  ...Object.fromEntries(['notes', 'scribbler', 'writer'].map((word) => [word, 'scribe'])),
};

const roleIn = (word: string): IncidentRole | undefined =>
  Object.hasOwn(ROLES, word.toLowerCase()) ? ROLES[word.toLowerCase()] : undefined;

const ROLES_IN_WORDS = 'commander, communications, or scribe';

function noRole(word: string, after = ''): UsageError {
  const error = `unknown role "${word}": use ${ROLES_IN_WORDS}`;
  const near = nearest(word, Object.keys(ROLES));
  return near === null ? { error } : { error, suggestion: `${ROLES[near] ?? near}${after}` };
}

type DirectMessage = NonNullable<Outcome['emails']>[number];

const nameOf = ({ shown, name }: Caller): string => shown ?? name;

/**
 * Returns the new holder of a role. They need permission to change the incident, which also leaving the role requires.
 *
 * @throws Declined
 */
async function holderOf(deps: CommandDeps, caller: Caller, id: IncidentId, user: string): Promise<Assignee> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:write', incident);
  const person = await actorFor(deps, user);
  if (!person.ok)
    throw new Declined(
      ...([{ user }, ` does not have permission: ${person.because}. Nothing was done.`] satisfies Text),
    );
  const { actor } = person;
  const now = deps.clock.now();
  if (!actorMay(actor, 'incidents:write', incident, now).allowed) {
    const contactText = whomToAsk(await deps.config.current(), 'incidents:write', incident, now);
    throw new Declined(
      { user },
      ` ${lacksPermissionText('incidents:write', incident)}. Nothing was done. `,
      ...contactText,
    );
  }
  return { name: actor.name, shown: actor.shown, slack: user };
}

/**
 * Returns the holder of a role before the request, so that a repeated delivery after an interruption gives the same
 * answer. Null: the role was unassigned.
 */
async function holderBefore(
  deps: CommandDeps,
  { key }: ActionContext,
  id: IncidentId,
  role: IncidentRole,
): Promise<Pick<RoleHolder, 'name' | 'shown' | 'slack'> | null> {
  const resultKey = `${key}-before`;
  const stored = await deps.processedEvents.read(resultKey);
  if (stored !== undefined) return (stored.outcome as { holder: RoleHolder | null }).holder; // stored below
  const holder = (await recordOf(deps, id)).roles?.[role] ?? null;
  await deps.processedEvents.store(resultKey, { holder });
  return holder;
}

/** @throws Declined if there is no such incident */
async function recordOf({ incidents }: Pick<CommandDeps, 'incidents'>, id: IncidentId): Promise<IncidentRecord> {
  const incident = await incidents.read(id);
  if (incident === undefined) throw new Declined(`There is no incident ${id}. Nothing was done.`);
  return incident;
}

const inPlaceOf = (before: Assignee | null, caller: Caller): string =>
  before === null || isSameActor(before.name, caller.name) ? '' : ` in place of ${before.shown}`;

/** Returns the direct message, unless the recipient is the caller. */
const directMessageTo = (caller: Caller, user: string, text: Text): DirectMessage[] =>
  user === caller.slack ? [] : [{ user, message: message(text) }];

/** Returns the direct message to the previous holder, unless they acted themselves. */
const messageToDisplaced = (caller: Caller, before: Assignee | null, to: Assignee, text: Text): DirectMessage[] =>
  before === null || before.slack === null || before.slack === to.slack || isSameActor(before.name, caller.name)
    ? []
    : directMessageTo(caller, before.slack, text);

function titleOf(incident: IncidentRecord): Text {
  const channel = channelSpan(incident);
  return [
    { bold: incident.title },
    `, ${incident.service} in ${incident.environment}`,
    ...(channel === undefined ? [] : [', ', channel]),
  ];
}
