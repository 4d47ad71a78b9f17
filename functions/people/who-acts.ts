import { mayNot } from '../../domain/may-not.ts';
import { type Actor, actorMay } from '../../domain/people.ts';
import type { Config } from '../../schemas/config.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Who } from '../acts/who.ts';
import { Declined } from './outcome.ts';

/** A person as they act, who is told whom to ask where they may not. */
export const whoActs = (config: Config, actor: Actor, slack: string, now: () => Timestamp): Who => ({
  name: actor.name,
  shown: actor.shown,
  slack,
  allow(action, scope) {
    if (!actorMay(actor, action, scope, now()).allowed) throw new Declined(...mayNot(config, action, scope, now()));
  },
});
