import type { Action } from '../../../schemas/access/access.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Scope } from './access.ts';
import type { Text } from '../messages/chat-message.ts';
import { everyoneMay, type PeopleConfig, contactsFor } from '../people/people.ts';

/** Descriptions of actions in permission errors. */
const ACTION_WORDS: Readonly<Partial<Record<Action, string>>> = {
  'incidents:read': 'view incidents',
  'incidents:write': 'change incidents',
  'incidents:act': 'act on incidents',
  'automation:read': 'view the settings of automation',
  'automation:write': 'change the settings of automation',
  'deployments:read': 'view deployments',
  'slos:write': 'record and withdraw corrections of objectives',
  'freezes:read': 'view freezes',
  'freezes:write': 'open and lift freezes',
  'freezes:override': 'override freezes',
};

/** Explains the missing permission and whom to ask. */
export const notPermittedText = (config: PeopleConfig, action: Action, scope: Scope, now: Timestamp): Text => [
  `You don't have permission to ${permissionText(action, scope)}. `,
  ...whomToAsk(config, action, scope, now),
];

/** Describes the missing permission, to follow a name. */
export const lacksPermissionText = (action: Action, scope: Scope): string =>
  `does not have permission to ${permissionText(action, scope)}`;

const permissionText = (action: Action, scope: Scope): string => `${ACTION_WORDS[action] ?? action}${scopeText(scope)}`;

function scopeText({ service, environment }: Scope): string {
  if (service === null && environment === null) return ' for all services and environments';
  const serviceText = service === null ? ' for all services' : service === undefined ? '' : ` for ${service}`;
  const environmentText =
    environment === null ? ' in all environments' : environment === undefined ? '' : ` in ${environment}`;
  return `${serviceText}${environmentText}`;
}

/** Returns who has the permission, so that there is always someone to ask. */
export function whomToAsk(config: PeopleConfig, action: Action, scope: Scope, now: Timestamp): Text {
  const contacts = contactsFor(config, action, scope, now);
  if (contacts.length > 0)
    return ['Ask ', ...contacts.flatMap((contact, index): Text => (index === 0 ? [contact] : [', ', contact])), '.'];
  if (everyoneMay(config, action, scope, now)) return ['Ask any full member of this workspace.'];
  return [
    'people.yaml lists no person with this permission. Ask the maintainers of that file to add one (docs/how-to/slack.md).',
  ];
}
