import { millisOf, type Timestamp } from '../../schemas/time/time.ts';

/** Days after which DynamoDB may delete bulk records; docs/reference/data-model.md, "Records". */
export const RETENTION_DAYS = {
  /**
   * After an alert's last notification. Longer than a quiet incident stays open (`autoResolveHours`, at most two weeks), so
   * that no alert is deleted that keeps one open.
   */
  episode: 90,
  /**
   * After a message arrived. Workflows read each message once, within minutes; their position is stored on the
   * incident.
   */
  inbox: 90,
  /** After an unreadable body first arrived. The bucket deletes it after the same time: platforms/aws/infra/storage.ts. */
  quarantine: 90,
  /** After the last event of a rollout that another system reports. */
  rollout: 90,
  /** After an event of a rollout whose commit no push has brought. Pushes arrive within seconds. */
  awaitedCommit: 1,
  /** After a push arrived. A deployment is searched in the newest ones. */
  push: 180,
  /** After the last event of a pull request, or a release. Figures look back a year. */
  code: 400,
  /** After a rollback, of which only the last hour is counted, or an act on a feature flag. */
  act: 7,
  /** After the last attempt. Updates are sent for a day. */
  delivery: 30,
  /** After a run of a pipeline began, or flaky tests were found: statistics of a year. */
  pipelineRun: 400,
  /** After the newest run of a pipeline that has no service. */
  unmappedPipeline: 90,
  /** After an object of a chaos system was last changed in the store. Runs are shorter than a day. */
  seenChaos: 30,
  /** After an upload of test results; later attempts of the same commit are compared with it. */
  testUpload: 30,
} as const;

/** Gigabytes of recorded freeze decisions; above it, the inputs of the oldest are removed. */
export const FREEZE_DECISIONS_MAX_GB = 2;

const DAY_SECONDS = 24 * 3600;

/** Returns the attribute by which DynamoDB deletes an item this many days after `at`. */
export const expiresAfter = (at: Timestamp, days: number): { expires_at: number } => ({
  expires_at: Math.ceil(millisOf(at) / 1000) + days * DAY_SECONDS,
});
