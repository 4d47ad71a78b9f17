/** Limits of all platforms, which are those of DynamoDB and SQS: what one platform accepts, no other refuses. */
export const LIMITS = {
  /** Bytes of a partition key, and of a sort key. */
  pkBytes: 2048,
  skBytes: 1024,
  /** Bytes of an item: its names and values. */
  itemBytes: 400 * 1024,
  /** Writes of a transaction, each of another item. */
  writes: 100,
  /** Bytes that one call reads of a range. */
  rangeBytes: 1024 * 1024,
  /** Bytes of a message's body. */
  messageBytes: 256 * 1024,
  /** Characters of a message's group, and of its ID. */
  messageIdLength: 128,
  /** Seconds until a sent message is delivered. */
  delaySeconds: 900,
  /** Milliseconds in which messages of one group with one ID are one message, from the first one. */
  deduplicationMs: 5 * 60 * 1000,
} as const;

/**
 * Limits of executions on all platforms, which are those of Lambda durable functions. Bytes count UTF-8 text.
 *
 * @see AWS Lambda developer guide, "Lambda quotas" and "Invoke" (read 2026-11)
 */
export const EXECUTION_LIMITS = {
  operations: 3_000,
  /** All results and errors that an execution has stored, with its input. */
  storedBytes: 100 * 1024 * 1024,
  inputBytes: 1024 * 1024,
  /** Result of a step or context. The SDK recreates a larger result of a context from its children. */
  payloadBytes: 256 * 1024,
  /** Result of an execution that is too large to return from the handler. */
  resultBytes: 12 * 1024 * 1024,
  /** A complete update with an error. */
  errorBytes: 32 * 1024,
  /** Characters of an operation's name. */
  name: 256,
} as const;
