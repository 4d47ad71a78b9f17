import type { Action } from '../schemas/access.ts';
import type { Timestamp } from '../schemas/time.ts';
import type { Scope } from './access.ts';
import type { Text } from './outlets.ts';
import { everyoneMay, type Known, whoMay } from './people.ts';

/** Descriptions of actions in permission errors. */
const WORDS: Readonly<Partial<Record<Action, string>>> = {
  'incidents:read': 'see incidents',
  'incidents:write': 'change incidents',
  'incidents:act': 'decide what is done about incidents',
  'automation:read': 'see how automation is set',
  'automation:write': 'switch automation off and on',
  'deployments:read': 'see deployments',
  'freezes:read': 'see freezes',
  'freezes:write': 'open and lift freezes',
  'freezes:override': 'let deploys through freezes',
};

/** Explains the missing permission and whom to ask. */
export const mayNot = (known: Known, action: Action, scope: Scope, now: Timestamp): Text => [
  `You ${notThat(action, scope)}. `,
  ...whomToAsk(known, action, scope, now),
];

/** Describes the missing permission, to follow a name. */
export const notThat = (action: Action, scope: Scope): string => `may not ${WORDS[action] ?? action}${placeOf(scope)}`;

function placeOf({ service, environment }: Scope): string {
  if (service === null && environment === null) return ' for all services everywhere';
  const what = service === null ? ' of all services' : service === undefined ? '' : ` of ${service}`;
  const where = environment === null ? ' in all environments' : environment === undefined ? '' : ` in ${environment}`;
  return `${what}${where}`;
}

/** Returns who has the permission, so that there is always someone to ask. */
export function whomToAsk(known: Known, action: Action, scope: Scope, now: Timestamp): Text {
  const listed = whoMay(known, action, scope, now);
  if (listed.length > 0)
    return ['Ask ', ...listed.flatMap((one, index): Text => (index === 0 ? [one] : [', ', one])), '.'];
  if (everyoneMay(known, action, scope, now)) return ['Any full member of this workspace may: ask one of them.'];
  return ['Nobody who may is listed in people.yaml: whoever keeps that file adds somebody to it (docs/slack.md).'];
}
