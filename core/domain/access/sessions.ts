import type { Session } from '../../../schemas/access/session.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** Sessions end after a working day, however much they are used. */
export const SESSION_SECONDS = 12 * 3600;

/** Seconds without activity after which a session ends. */
const SESSION_IDLE_SECONDS = 30 * 60;

/** Activity within this time of the stored one is not written again. */
const ACTIVITY_WRITTEN_EVERY_SECONDS = 60;

const lastActive = ({ last_active, created_at }: Session): Timestamp => last_active ?? created_at;

/** Returns whether a session can be used: not past its end, and not idle for too long. */
export const isUsable = (session: Session, now: Timestamp): boolean =>
  session.until > now && plusSeconds(lastActive(session), SESSION_IDLE_SECONDS) > now;

/** Returns whether activity at this time has to be stored. */
export const isActivityDue = (session: Session, now: Timestamp): boolean =>
  plusSeconds(lastActive(session), ACTIVITY_WRITTEN_EVERY_SECONDS) <= now;
