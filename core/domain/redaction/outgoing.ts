import { isPlain, withoutCredentials } from './credentials.ts';

/**
 * Embeddings, overrides, and isolates. Directional marks (U+200E, U+200F, U+061C), as in Arabic and Hebrew texts, stay: they don't
 * reorder the text around them.
 */
const REORDERS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Puts a replacement character in place of each character that reorders the text around it. */
export const withoutReordering = (text: string): string => text.replaceAll(REORDERS, '\ufffd');

/** Returns the value as it may be sent to another system: without credentials and characters that reorder the text around them. */
export const outgoing = <T>(value: T): T => inOrder(withoutCredentials(value)) as T;

function inOrder(value: unknown): unknown {
  if (typeof value === 'string') return withoutReordering(value);
  if (Array.isArray(value)) return value.map(inOrder);
  return isPlain(value)
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [withoutReordering(name), inOrder(inner)]))
    : value;
}
