import type { AskedLast } from '../schemas/incident.ts';
import type { Message } from '../schemas/inbox.ts';
import type { Timestamp } from '../schemas/time.ts';

/** Where a rollback would go, as far as that was known when a person asked for it. */
export type RollbackAsked = Pick<NonNullable<AskedLast['rollback']>, 'from' | 'to'>;

/**
 * What people asked for last, after one more message. It is kept on the incident, because the timeline can't be trusted
 * with it: others write notes there.
 *
 * @returns undefined when the message changes nothing of it
 */
export function askedAfter(
  before: AskedLast | undefined,
  message: Message,
  at: Timestamp,
  rollback: RollbackAsked = { from: null, to: null },
): AskedLast | undefined {
  switch (message.kind) {
    case 'pause':
    case 'resume':
    case 'abort':
      return { ...before, switched: { action: message.kind, by: message.by, at } };
    case 'rollback':
      return { ...before, rollback: { by: message.by, at, ...rollback } };
    case 'resolve':
      return { ...before, resolve: { by: message.by, at } };
    default:
      return undefined;
  }
}
