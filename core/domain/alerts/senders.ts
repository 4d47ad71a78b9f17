import type { Signal } from '../../../schemas/alerts/signal.ts';

/** A sender that is one system: a token, a signature, or a person who replays an input in the console. */
const ONE_SENDER = /^(?:token|person):|:signature$/;

/**
 * Returns the senders of these alerts, without duplicates: actions are counted by sender. Several systems can share the
 * ingest token, so each of its sources is a sender. Empty if some came from Firebreak itself, by the admin token, or from
 * an unknown sender: only the limit for all services applies.
 */
export function sendersOf(signals: readonly Pick<Signal, 'sender' | 'source'>[]): string[] {
  const senders = signals.flatMap(({ sender = '', source }) =>
    sender === 'ingest' ? [`${sender}:${source}`] : ONE_SENDER.test(sender) ? [sender] : [],
  );
  return senders.length === signals.length ? [...new Set(senders)] : [];
}

/** Returns the senders of the alerts that caused an action: of those that request a rollback, if any do. */
export function sendersOfCause(
  signals: readonly Pick<Signal, 'sender' | 'source' | 'status' | 'requestsRollback'>[],
): string[] {
  const firing = signals.filter(({ status }) => status === 'firing');
  const requesting = firing.filter(({ requestsRollback }) => requestsRollback);
  return sendersOf(requesting.length > 0 ? requesting : firing);
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

/** Returns whether all of these alerts have only returned with a start from before their end. */
export const haveReturned = (signals: readonly Pick<Signal, 'returned'>[]): boolean =>
  signals.length > 0 && signals.every(({ returned }) => returned === true);
