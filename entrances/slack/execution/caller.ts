import type { Scope } from '../../../core/domain/access/access.ts';
import { notPermittedText } from '../../../core/domain/access/refusals.ts';
import { type Actor, actorMay } from '../../../core/domain/people/people.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Declined } from '../outcome.ts';

type CallerContext = {
  config: Config;
  slack: string;
  now(): Timestamp;
  /** Returns why a user of the sandbox is not allowed to do this. Absent: the user is real. */
  whySandboxUserRefused?: (action: Action, scope: Scope) => string | undefined;
};

/** Returns the Slack user as a caller, whose refusals name the people to ask. */
export const callerOf = (actor: Actor, { config, slack, now, whySandboxUserRefused }: CallerContext): Caller => ({
  name: actor.name,
  shown: actor.shown,
  slack,
  allow(action, scope) {
    if (!actorMay(actor, action, scope, now()).allowed)
      throw new Declined(...notPermittedText(config, action, scope, now()));
    const why = whySandboxUserRefused?.(action, scope);
    if (why !== undefined)
      throw new Declined(
        `Users of the sandbox's Slack can't do this: ${why}. Nothing was done. ` +
          'Use the API or the CLI with a token, or connect your Slack (SLACK_BOT_TOKEN).',
      );
  },
});

/** Returns whether the person has a permission. */
export function isPermitted(caller: Caller, action: Action, scope: Scope): boolean {
  try {
    caller.allow(action, scope);
    return true;
  } catch (error) {
    if (error instanceof Declined) return false;
    throw error;
  }
}
