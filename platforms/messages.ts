import { LIMITS } from './limits.ts';
import type { FailedMessage, Message, NewMessage } from './queues.ts';

const ID = new RegExp(`^[\\w-]{1,${LIMITS.messageIdLength}}$`);

const CONTROL = /[\0-\x08\v\f\x0e-\x1f]/;

/** @throws RangeError if SQS would refuse a message */
export function refuseInvalid(messages: readonly NewMessage[]): void {
  for (const { body, group, id, delaySeconds } of messages) {
    if (body === '' || Buffer.byteLength(body) > LIMITS.messageBytes)
      throw new RangeError(`a message has 1 to ${LIMITS.messageBytes} bytes`);
    // A half of a surrogate pair is none in UTF-8 either.
    if (CONTROL.test(body) || !body.isWellFormed()) throw new RangeError('a message has no control characters');
    if ((group === undefined) !== (id === undefined))
      throw new RangeError('a message has a group and an ID, or neither');
    if (group !== undefined && id !== undefined && !(ID.test(group) && ID.test(id)))
      throw new RangeError(`a group and an ID have 1 to ${LIMITS.messageIdLength} letters, digits, "-", and "_"`);
    if (delaySeconds === undefined) continue;
    if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > LIMITS.delaySeconds)
      throw new RangeError(`a message is delayed by 0 to ${LIMITS.delaySeconds} whole seconds`);
    if (group !== undefined) throw new RangeError('a message with a group has no delay');
  }
}

/** Returns the failed messages of a batch and the later ones of their groups, each with the delay of the first of its group. */
export function withLaterOnes(messages: readonly Message[], failed: readonly FailedMessage[]): FailedMessage[] {
  const delays = new Map(failed.map(({ id, afterSeconds }) => [id, afterSeconds]));
  const groups = new Map<string, number>();
  return messages.flatMap(({ id, group = id }) => {
    const afterSeconds = groups.get(group) ?? delays.get(id);
    if (afterSeconds === undefined) return [];
    groups.set(group, afterSeconds);
    return [{ id, afterSeconds }];
  });
}
