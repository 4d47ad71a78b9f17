/** Names of errors that the same input causes at every delivery: refused by DynamoDB, or a bug in Firebreak. */
const PERMANENT = new Set([
  'ValidationException',
  'SerializationException',
  'URIError',
  'RangeError',
  'TypeError',
  'ReferenceError',
  'SyntaxError',
  'ZodError',
  '$ZodError',
]);

/** Messages with which `fetch` reports a failed connection as a `TypeError`. */
const FETCH_FAILED = /^(fetch failed|terminated)$/;

/**
 * Returns whether another delivery of the message is useless. It would only block its FIFO message group, so it is quarantined
 * instead.
 *
 * @param error the error from processing the message
 */
export function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TypeError') return error.cause === undefined && !FETCH_FAILED.test(error.message);
  if (error.name === 'TransactionCanceledException') return error.message.includes('ValidationError');
  return PERMANENT.has(error.name);
}
