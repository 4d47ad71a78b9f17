import { millisOf, type Timestamp } from '../../schemas/time.ts';

/** Days after which DynamoDB may delete what was written in bulk; docs/data-model.md, "How long it is kept". */
export const RETENTION_DAYS = {
  /**
   * After an alert was last heard of. Longer than an incident stays open in which nothing is heard (`quietHours`, two
   * weeks at most), so that no alert is forgotten that holds one open.
   */
  episode: 90,
  /** After a message came. Workflows read each once, within minutes; what they have read so far is on the incident. */
  inbox: 90,
  /** After a body that could not be read came first. The bucket deletes it after as many: infra/storage.ts. */
  quarantine: 90,
  /** After a rollback, of which the last hour is counted. */
  act: 7,
} as const;

/** A firing alert is renewed with the first notification after so many days: not with each, which are very many. */
const RENEWED_AFTER_DAYS = 1;

const DAY_SECONDS = 24 * 3600;

/** The attribute by which DynamoDB deletes an item so many days after `at`. */
export const expiresAfter = (at: Timestamp, days: number): { expires_at: number } => ({
  expires_at: Math.ceil(millisOf(at) / 1000) + days * DAY_SECONDS,
});

/** Whether an episode with this time to live is to be renewed. Undefined: it was written without one. */
export const isToBeRenewed = (expiresAt: number | undefined, now: Timestamp): boolean =>
  expiresAt === undefined || expiresAt < expiresAfter(now, RETENTION_DAYS.episode - RENEWED_AFTER_DAYS).expires_at;
