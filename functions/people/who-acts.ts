import type { Scope } from '../../domain/access.ts';
import { type Actor, actorMay, type Asked, whoMay } from '../../domain/people.ts';
import type { Text } from '../../domain/outlets.ts';
import type { Action } from '../../schemas/access.ts';
import type { Config } from '../../schemas/config.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Who } from '../acts/who.ts';
import { Declined } from './outcome.ts';

/** What somebody is told that they may not do. */
const WORDS: Readonly<Partial<Record<Action, string>>> = {
  'incidents:read': 'see incidents',
  'incidents:write': 'change incidents',
  'incidents:act': 'decide what is done about incidents',
  'automation:read': 'see how automation is set',
  'automation:write': 'switch automation off and on for all',
  'deployments:read': 'see deployments',
  'freezes:read': 'see freezes',
  'freezes:write': 'open and lift freezes',
  'freezes:override': 'let deploys through freezes',
};

/** A person as they act, who is told whom to ask where they may not. */
export const whoActs = (config: Config, actor: Actor, slack: string, now: () => Timestamp): Who => ({
  name: actor.name,
  shown: actor.shown,
  slack,
  allow(action, scope) {
    if (actorMay(actor, action, scope, now()).allowed) return;
    throw new Declined(
      `You may not ${WORDS[action] ?? action}${placeOf(scope)}. `,
      ...ask(whoMay(config, action, scope, now())),
    );
  },
});

function placeOf({ service, environment }: Scope): string {
  const what = service === null ? ' of all services' : service === undefined ? '' : ` of ${service}`;
  const where = environment === null ? ' everywhere' : environment === undefined ? '' : ` in ${environment}`;
  return `${what}${where}`;
}

function ask(asked: readonly Asked[]): Text {
  if (asked.length === 0) return ['Nobody is listed in people.yaml who may.'];
  return ['Ask ', ...asked.flatMap((one, index): Text => (index === 0 ? [one] : [', ', one])), '.'];
}
