/** A message to send. */
export type NewMessage = {
  body: string;
  /**
   * Messages of one group are delivered in order, and none while an earlier one is being processed. At most 128 letters,
   * digits, `-`, and `_`. Absent: in no order.
   */
  group?: string;
  /** Messages of a group with one ID within five minutes are one message. Required with a group; same characters. */
  id?: string;
  /** Seconds until it is delivered, at most 900. Not with a group. */
  delaySeconds?: number;
};

/** A delivered message. */
export type Message = {
  id: string;
  body: string;
  group: string | undefined;
  /** How often it was delivered, with this time. */
  deliveries: number;
};

/** Messages that are delivered together. Of one group, all before them were processed. */
export type Batch = {
  messages: readonly Message[];
  /** Returns the milliseconds that are left for the batch. */
  remainingMs(): number;
};

/** A message that could not be processed: it is delivered again after these seconds, and the later ones of its group with it. */
export type FailedMessage = { id: string; afterSeconds: number };

/** Processes a batch. Must be idempotent. If it throws, the whole batch is delivered again. */
export type Consumer = (batch: Batch) => Promise<readonly FailedMessage[]>;

/**
 * Approximate numbers of messages. `inFlight`: they are being processed, or wait for their next delivery.
 * `dead`: they failed too often, and are no longer delivered. `oldestSeconds`: age of the oldest that is not dead; 0: there
 * is none. Absent: the platform reports them elsewhere.
 */
export type MessageCounts = {
  visible: number;
  inFlight: number;
  delayed: number;
  dead?: number;
  oldestSeconds?: number;
};

/** A message that failed too often. */
export type DeadMessage = Pick<Message, 'id' | 'body' | 'group'>;

/** Queues that deliver each message at least once. */
export interface Queues {
  /**
   * Sends messages, of one group in order.
   *
   * @throws RangeError for a message that no platform accepts; then none is sent
   * @throws if not all were accepted; those that were are not sent twice if their IDs are sent again
   */
  send(queue: string, messages: readonly NewMessage[]): Promise<void>;
  counts(queue: string): Promise<MessageCounts>;
  /** Returns dead messages, the oldest first, at most ten. */
  dead(queue: string): Promise<DeadMessage[]>;
  /** Delivers all dead messages again, each as a new one, of a group in order. Returns their number. */
  redrive(queue: string): Promise<number>;
}
