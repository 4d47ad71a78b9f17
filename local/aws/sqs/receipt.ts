import { receiptHandleIsInvalid } from './errors.ts';
import type { Message } from './message-store.ts';
import type { Queue } from './queue-store.ts';

/** The content of a receipt handle: the message, and which of its receives. */
type Receipt = { seq: number; receive: number };

export const handleFor = (queue: Queue, { seq, receives }: Message): string =>
  Buffer.from(`${queue.name}/${seq}/${receives}`).toString('base64url');

/** @throws SqsError ReceiptHandleIsInvalid, also for a handle of another queue */
export function readHandle(queue: Queue, handle: string): Receipt {
  const [name, seq, receive, ...rest] = Buffer.from(handle, 'base64url').toString().split('/');
  const numbers = [seq, receive].every((part) => part !== undefined && /^\d+$/.test(part));
  if (name !== queue.name || !numbers || rest.length > 0) throw receiptHandleIsInvalid(handle);
  return { seq: Number(seq), receive: Number(receive) };
}
