import { encodeTime, ulid } from 'ulid';
import { sha256 } from './hash.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';

/** Characters of a ULID that are its time. */
const TIME_CHARS = 10;

/** Returns a ULID that is the same for the same time and key. The rest is hexadecimal, which is a part of its alphabet. */
export const ulidOf = (at: Timestamp, key: string): string =>
  ulid(millisOf(at)).slice(0, TIME_CHARS) + sha256(key).slice(0, 16).toUpperCase();

/** Creates a ULID, which sorts by `at`; those of the same millisecond are in no order. */
export const mintIncidentId = (at: Timestamp): IncidentId => ulid(millisOf(at)) as IncidentId;

/** Returns the start of the IDs of incidents that opened at a time: all later ones sort after it. */
export const firstIncidentId = (at: Timestamp): string => encodeTime(millisOf(at));
