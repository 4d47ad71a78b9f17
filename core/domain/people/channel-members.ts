import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { type Person, PersonId } from '../../../schemas/people/people.ts';
import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import type { ChatMessage } from '../messages/chat-message.ts';
import type { OnCallPerson } from './on-call.ts';
import { placedTitle } from '../messages/place-names.ts';
import type { Overview } from '../messages/story.ts';

/** Members of an incident's channel: people on call for it, people with a role, and people who act on it. */

/** A desired member, by the name used on timelines. */
export type DesiredMember = {
  name: string;
  /** Display name. */
  shown: string;
  /** The Slack user id; null: not found yet, or not a user there. */
  slack: string | null;
  /** Why they are invited. Null: they joined by an action of their own. */
  why: string | null;
};

type People = Pick<Config, 'people'>;

/** Maximum number of teams whose on-call responders are invited: a larger event gets attention anyway. */
const TEAMS_MAX = 20;

/** Returns the people with a role. A token, such as that of a CI system, can hold a role but cannot be invited. */
export const roleHolders = ({ roles = {} }: IncidentRecord, config: People): DesiredMember[] =>
  IncidentRole.options.flatMap((role) => {
    const holder = roles[role];
    if (holder === undefined) return [];
    const { name, shown } = holder;
    const slack = holder.slack ?? personOf(name, config)?.slack ?? null;
    return slack === null && addressOf(name, config) === null && personOf(name, config) === undefined
      ? []
      : [{ name, shown, slack, why: `as ${role}` }];
  });

/** Returns the person behind a timeline actor, if Slack may know that person. */
export function memberOfActor(actor: string, config: People): DesiredMember | undefined {
  const [, slack] = /^slack:([UW][A-Z0-9]+)$/.exec(actor) ?? [];
  if (slack !== undefined) return { name: actor, shown: slack, slack, why: null };
  const person = personOf(actor, config);
  return person && { name: actor, shown: person.name ?? actor, slack: person.slack ?? null, why: null };
}

/** Returns the first escalation level of a team's on-call responders; later levels have not been notified. */
export function firstOnCall(team: string, all: readonly OnCallPerson[], config: People): DesiredMember[] {
  const first = Math.min(...all.map(({ level }) => level));
  return all
    .filter(({ level }) => level === first)
    .map(({ person, pagerduty, name, slack }) => ({
      name: person ?? `pagerduty:${pagerduty}`,
      shown: name,
      slack: slack ?? (person === null ? null : (personOf(person, config)?.slack ?? null)),
      why: `because you are on call for ${team}`,
    }));
}

/** Returns how to find a person without a Slack ID: by people.yaml, else by PagerDuty. */
export function addressOf(name: string, config: People): { email: string } | { pagerduty: string } | null {
  const person = personOf(name, config);
  if (person !== undefined) return person.email === undefined ? null : { email: person.email };
  const [, pagerduty] = /^pagerduty:([A-Z0-9]{4,32})$/.exec(name) ?? [];
  return pagerduty === undefined ? null : { pagerduty };
}

const personOf = (name: string, { people: { people } }: People): Person | undefined =>
  Object.hasOwn(people, name) ? people[PersonId.parse(name)] : undefined;

/** Returns the teams whose services are affected. */
export function teamsOf({ incident, children }: Overview, { services }: Pick<Config, 'services'>): string[] {
  const affected = [incident.service, ...children.map(({ service }) => service)];
  return [...new Set(affected.flatMap((service) => serviceEntry(services, service)?.team ?? []))].slice(0, TEAMS_MAX);
}

/**
 * Returns the number of the paging round, at least 1: other people may be on call for a later page. The first page
 * starts no new round, because the on-call responders are invited when the incident opens.
 */
export const pagingRoundOf = ({ pages }: IncidentRecord): number => Math.max(pages, 1);

/** Reasons for which Slack rejects an invitation; other reasons are shown as Slack's error code. */
const REFUSAL_REASONS: Readonly<Record<string, string>> = {
  cant_invite: 'Slack does not allow the app to invite them',
  no_external_invite_permission: 'they belong to another company, and the app cannot invite external people',
  no_permission: 'the app does not have permission to invite them',
  org_user_not_in_team: 'they are not a member of this workspace',
  unknown: 'no Slack user matches their ID in people.yaml or their email address',
  ura_max_channels: 'they are a guest who cannot join more channels',
  user_disabled: 'their Slack account is deactivated',
  user_is_restricted: 'they are a guest, and the app cannot invite guests',
  user_is_ultra_restricted: 'they are a single-channel guest',
  user_not_found: 'Slack does not know their ID in people.yaml',
};

/**
 * Describes a failed invitation.
 *
 * @param code Slack's error code, or `unknown` if no Slack user was found
 */
export const failedInvitationText = ({ shown }: Pick<DesiredMember, 'shown'>, code: string): string =>
  `${shown} could not be invited to the channel: ${REFUSAL_REASONS[code] ?? code}`;

/** Builds the direct message to a person who cannot be notified in the channel. */
export function directMessageTo(
  { why }: Pick<DesiredMember, 'why'>,
  { incident }: Overview,
  channel: string | null,
): ChatMessage {
  const title = placedTitle(incident);
  const channelText =
    channel === null
      ? 'It has no channel, because Slack refused to create one.'
      : 'You could not be invited to its channel.';
  return {
    summary: `${incident.severity}: ${title}`,
    parts: [
      {
        kind: 'text',
        text: [
          { bold: title },
          `, ${incident.severity}. You are needed ${why ?? 'for this incident'}. ${channelText}`,
          ...(channel === null ? [] : [' ', { channel }]),
        ],
      },
      { kind: 'note', text: [`Incident ${incident.id} · /incident status`] },
    ],
  };
}
