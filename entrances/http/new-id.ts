import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Clock } from '../../core/domain/ports/system.ts';
import { sha256 } from '../../core/stores/hash.ts';
import { ulidOf } from '../../core/stores/ids.ts';
import type { Env } from './context.ts';

/**
 * Returns an ID: the prefix, which says of what, and 26 hexadecimal digits.
 *
 * @param key key of a request, which gets the same ID when it is repeated. Absent: each ID is new
 */
export const newId = (prefix: 'cor' | 'frz' | 'ovr', key: string = randomUUID()): string =>
  `${prefix}_${sha256(key).slice(0, 26)}`;

/** Returns a ULID for what a request creates. A repeated request with an `Idempotency-Key` gets the same one. */
export const newUlid = ({ var: { requestKey, requestedAt } }: Context<Env>, clock: Clock): string =>
  ulidOf(requestedAt ?? clock.now(), requestKey ?? randomUUID());
