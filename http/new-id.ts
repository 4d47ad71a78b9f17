import { randomUUID } from 'node:crypto';
import { sha256 } from '../stores/core/hash.ts';

/**
 * Returns an ID: the prefix, which says of what, and 26 hexadecimal digits.
 *
 * @param key key of a request, which gets the same ID when it is repeated. Absent: each ID is new
 */
export const newId = (prefix: 'cor' | 'frz' | 'ovr', key: string = randomUUID()): string =>
  `${prefix}_${sha256(key).slice(0, 26)}`;
