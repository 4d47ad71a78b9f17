import type { Scope } from '../../domain/access.ts';
import { mayNot } from '../../domain/may-not.ts';
import { type Actor, actorMay } from '../../domain/people.ts';
import type { Action } from '../../schemas/access.ts';
import type { Config } from '../../schemas/config.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Who } from '../acts/who.ts';
import { Declined } from './outcome.ts';

type Acting = {
  config: Config;
  slack: string;
  now(): Timestamp;
  /** Returns why a user of the sandbox is not allowed to do this. Absent: the user is real. */
  whyNotPlayed?: (action: Action, scope: Scope) => string | undefined;
};

/** Returns the acting person. Refusals name the people to ask. */
export const whoActs = (actor: Actor, { config, slack, now, whyNotPlayed }: Acting): Who => ({
  name: actor.name,
  shown: actor.shown,
  slack,
  allow(action, scope) {
    if (!actorMay(actor, action, scope, now()).allowed) throw new Declined(...mayNot(config, action, scope, now()));
    const why = whyNotPlayed?.(action, scope);
    if (why !== undefined)
      throw new Declined(
        `Users of the sandbox's Slack can't do this: ${why}. Nothing was done. ` +
          'Use the API or the CLI with a token, or connect your Slack (SLACK_BOT_TOKEN).',
      );
  },
});
