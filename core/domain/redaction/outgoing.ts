import { isPlain, withoutCredentials } from './credentials.ts';

/**
 * Embeddings, overrides, and isolates, which change the order of the text around them. The marks of Arabic and Hebrew texts are none:
 * they order only themselves.
 */
const REORDERS = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * Returns the same value as another system may have it and show it: without credentials, and with a replacement character for
 * each one that changes the order of the text around it.
 */
export const outgoing = <T>(value: T): T => inOrder(withoutCredentials(value)) as T;

function inOrder(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(REORDERS, '\ufffd');
  if (Array.isArray(value)) return value.map(inOrder);
  return isPlain(value)
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [inOrder(name), inOrder(inner)]))
    : value;
}
