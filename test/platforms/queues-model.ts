import { setImmediate } from 'node:timers/promises';
import { LIMITS } from '../../platforms/limits.ts';
import type { Consumer, FailedMessage, Message, NewMessage } from '../../platforms/queues.ts';

/** A message of the test. It fails `fails` times by itself, each time for `afterSeconds`. */
export type Planned = { group?: string; id?: string; delaySeconds?: number; fails: number; afterSeconds: number };

type Sent = Planned & { n: number; delivered: number; handled: number; notBefore: number; end: 'none' | 'ok' | 'dead' };

/** What queues must do with messages, whatever their batches are: `violations` says where they did not. */
export class QueueModel {
  readonly violations: string[] = [];
  readonly sent: Sent[] = [];
  readonly #now: () => number;
  readonly #maxDeliveries: number;
  readonly #known = new Map<string, number>();
  readonly #busy = new Set<string>();

  constructor(now: () => number, maxDeliveries: number) {
    this.#now = now;
    this.#maxDeliveries = maxDeliveries;
  }

  get isOver(): boolean {
    return this.violations.length > 0 || this.sent.every(({ end }) => end !== 'none');
  }

  /** Returns the messages to send now. The queue ignores those with known IDs. */
  send(messages: readonly Planned[]): NewMessage[] {
    return messages.map((planned) => {
      const { group, id, delaySeconds } = planned;
      const n = this.sent.length;
      const options = { ...(group && { group }), ...(id && { id }), ...(delaySeconds && { delaySeconds }) };
      if (this.#isKnown(group, id)) return { body: 'a duplicate', ...options };
      const notBefore = this.#now() + (delaySeconds ?? 0) * 1000;
      this.sent.push({ ...planned, n, delivered: 0, handled: 0, notBefore, end: 'none' });
      return { body: String(n), ...options };
    });
  }

  /** Reports only the message that failed, and not those behind it. */
  readonly consumer: Consumer = async ({ messages }) => {
    const all = messages.map((message) => this.#deliver(message));
    const failed: FailedMessage[] = [];
    const stuck = new Set<string>();
    for (const [index, message] of all.entries()) {
      const key = keyOf(message);
      await setImmediate();
      if (stuck.has(key)) this.#fail(message, message.notBefore);
      else if (this.#handle(message)) message.end = 'ok';
      else {
        stuck.add(key);
        failed.push({ id: messages[index]?.id ?? '', afterSeconds: message.afterSeconds });
        for (const later of all) if (keyOf(later) === key) later.notBefore = this.#now() + message.afterSeconds * 1000;
        this.#fail(message, message.notBefore);
      }
    }
    for (const message of all) this.#busy.delete(keyOf(message));
    return failed;
  };

  #isKnown(group = '', id?: string): boolean {
    if (id === undefined) return false;
    const until = this.#known.get(`${group} ${id}`) ?? 0;
    if (until > this.#now()) return true;
    this.#known.set(`${group} ${id}`, this.#now() + LIMITS.deduplicationMs);
    return false;
  }

  #deliver({ body, deliveries, group }: Message): Sent {
    const message = this.sent[Number(body)];
    if (message === undefined) {
      this.violations.push(`delivered: ${body}`);
      throw new Error(`delivered: ${body}`);
    }
    message.delivered += 1;
    this.#check(message, deliveries === message.delivered, `delivery ${deliveries}, not ${message.delivered}`);
    this.#check(message, group === message.group, `group ${group}`);
    this.#check(message, message.end === 'none', `delivered after its end: ${message.end}`);
    this.#check(message, this.#now() >= message.notBefore, `delivered ${message.notBefore - this.#now()} ms early`);
    const key = keyOf(message);
    const isFirst = this.sent.find((one) => keyOf(one) === key && one.end === 'none') === message;
    this.#check(message, isFirst !== this.#busy.has(key), 'delivered before or beside an earlier one');
    this.#busy.add(key);
    return message;
  }

  #handle(message: Sent): boolean {
    const key = keyOf(message);
    const first = this.sent.find((one) => keyOf(one) === key && one.end === 'none');
    this.#check(message, first === message, 'out of order');
    message.handled += 1;
    return message.handled > message.fails;
  }

  #fail(message: Sent, notBefore: number): void {
    message.notBefore = notBefore;
    if (message.delivered >= this.#maxDeliveries) message.end = 'dead';
  }

  #check({ n, group }: Sent, isTrue: boolean, text: string): void {
    if (!isTrue) this.violations.push(`message ${n} of ${group}: ${text}`);
  }
}

const keyOf = ({ group, n }: Sent): string => group ?? `#${n}`;
