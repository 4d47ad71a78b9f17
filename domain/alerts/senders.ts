import type { Signal } from '../../schemas/alerts/signal.ts';

/** Prefix of a sender whose actions are counted: a token, or a person who replays an input in the console. */
const COUNTED_SENDER = /^(?:token|person):/;

/**
 * Returns the tokens and people who sent these alerts, without duplicates: actions are counted by sender. Empty if some
 * came by a credential set up with Firebreak, such as the initial ingest token, for which only the limit for all services
 * applies.
 */
export function sendersOf(signals: readonly Pick<Signal, 'sender'>[]): string[] {
  const senders = new Set(signals.map(({ sender = '' }) => sender));
  return [...senders].every((sender) => COUNTED_SENDER.test(sender)) ? [...senders] : [];
}

/** Returns the number of actions for the sender in `senders` with the fewest; 0 if `senders` is empty. */
export const fewestActionsOf = (
  actions: readonly { senders: readonly string[] }[],
  senders: readonly string[],
): number =>
  senders.length === 0
    ? 0
    : Math.min(...senders.map((sender) => actions.filter((act) => act.senders.includes(sender)).length));

/** Returns whether all of these alerts came from senders without the scope rollback:request. */
export const allLackRequestScope = (signals: readonly Pick<Signal, 'rollbackNotPermitted'>[]): boolean =>
  signals.length > 0 && signals.every(({ rollbackNotPermitted }) => rollbackNotPermitted === true);
