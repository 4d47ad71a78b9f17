/** Names of errors that the same input meets again at every delivery: refused by the table, or a bug of ours. */
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

/** How `fetch` says that a connection failed, as a `TypeError`. */
const FETCH_FAILED = /^(fetch failed|terminated)$/;

/**
 * Whether to deliver a message again is useless: it only keeps its group waiting. Such a message is quarantined.
 *
 * @param error what taking it in has thrown
 */
export function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TypeError') return error.cause === undefined && !FETCH_FAILED.test(error.message);
  if (error.name === 'TransactionCanceledException') return error.message.includes('ValidationError');
  return PERMANENT.has(error.name);
}
