import { randomBytes } from 'node:crypto';
import type { IncidentId } from '../schemas/config/names.ts';
import { millisOf, type Timestamp } from '../schemas/time/time.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * Creates a ULID: 48 bits of time, 80 random bits, 26 characters that sort by time. @see https://github.com/ulid/spec
 */
export function mintIncidentId(at: Timestamp): IncidentId {
  let bits = BigInt(millisOf(at)) << 80n;
  for (const byte of randomBytes(10).entries()) bits |= BigInt(byte[1]) << BigInt(8 * byte[0]);
  let id = '';
  for (let i = 0; i < 26; i += 1) {
    id = (CROCKFORD[Number(bits & 31n)] ?? '') + id;
    bits >>= 5n;
  }
  return id as IncidentId;
}
