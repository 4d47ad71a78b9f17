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
  /** Why somebody who is only played may not do it. Absent: they are real. */
  whyNotPlayed?: (action: Action, scope: Scope) => string | undefined;
};

/** A person as they act, who is told whom to ask where they may not. */
export const whoActs = (actor: Actor, { config, slack, now, whyNotPlayed }: Acting): Who => ({
  name: actor.name,
  shown: actor.shown,
  slack,
  allow(action, scope) {
    if (!actorMay(actor, action, scope, now()).allowed) throw new Declined(...mayNot(config, action, scope, now()));
    const why = whyNotPlayed?.(action, scope);
    if (why !== undefined)
      throw new Declined(
        `People of the sandbox's Slack can't do this: ${why}. Nothing was done. ` +
          'Use the API or the CLI with a token, or connect your Slack (SLACK_BOT_TOKEN).',
      );
  },
});
