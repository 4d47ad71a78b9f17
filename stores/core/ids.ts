import { ulid } from 'ulid';
import type { IncidentId } from '../../schemas/config/names.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';

/** Creates a ULID, which sorts by `at`; those of the same millisecond are in no order. */
export const mintIncidentId = (at: Timestamp): IncidentId => ulid(millisOf(at)) as IncidentId;
