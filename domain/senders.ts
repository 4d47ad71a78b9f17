import type { Signal } from '../schemas/signal.ts';

/**
 * Tokens that sent these alerts, each once: what is done for them is counted by token. None where some came by what was set
 * up with Firebreak, as the ingest token of the first start: that is limited with all services together.
 */
export function sendersOf(signals: readonly Pick<Signal, 'sender'>[]): string[] {
  const senders = new Set(signals.map(({ sender = '' }) => sender));
  return [...senders].every((sender) => sender.startsWith('token:')) ? [...senders] : [];
}

/** How many acts were for alerts of the one of `senders` that has the fewest; 0 where none is named. */
export const fewestOf = (acts: readonly { senders: readonly string[] }[], senders: readonly string[]): number =>
  senders.length === 0
    ? 0
    : Math.min(...senders.map((sender) => acts.filter((act) => act.senders.includes(sender)).length));

/** Whether all of these alerts came from senders that may not ask for anything to be done. */
export const isOfThoseWhoMayNotAsk = (signals: readonly Pick<Signal, 'mayNotAsk'>[]): boolean =>
  signals.length > 0 && signals.every(({ mayNotAsk }) => mayNotAsk === true);
