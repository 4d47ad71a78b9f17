/**
 * List prices of us-east-1 in US dollars, November 2026, without free tiers, from the price pages of the services. Read
 * them again before you rely on a sum.
 */
export const PRICES = {
  /** A month. For each metric that an alarm watches, also in an expression. */
  alarmMetric: 0.1,
  /** A month. */
  compositeAlarm: 0.5,
  /** A month, from the fourth one in an account: the first three with up to 50 metrics each are free in every account. */
  dashboard: 3,
  freeDashboards: 3,
  freeDashboardMetrics: 50,
  /** A million requests. */
  sqsStandard: 0.4,
  sqsFifo: 0.5,
  scheduler: 1,
  lambdaRequests: 0.2,
  s3Reads: 0.4,
  s3Writes: 5,
  dynamodbReads: 0.125,
  xrayTraces: 5,
  kmsRequests: 3,
  /** A gigabyte-second, on ARM. */
  lambdaGbSecond: 0.0000133334,
  /** A gigabyte. */
  logs: 0.5,
} as const;

/**
 * What an idle function does: calls of the store and of S3 as counted on the stand-ins of AWS that the tests use, with one
 * service and a status page. Times are estimates: 8 ms for each of these calls, and the processor of that memory.
 */
export const IDLE = {
  /** Lambda polls an idle queue with five connections, each for 20 seconds. */
  pollsPerMinute: 15,
  /** A call in milliseconds, its reads from the table, of one unit at most, and from S3. */
  calls: {
    sweep: { ms: 400, reads: 35, s3Reads: 4 },
    evaluate: { ms: 100, reads: 2, s3Reads: 1 },
    digest: { ms: 60, reads: 0, s3Reads: 1 },
    snapshot: { ms: 300, reads: 12, s3Reads: 2 },
  },
  /** Bytes that a call writes to its log. An estimate. */
  logBytes: 1000,
  /** A snapshot in which only its time has changed: its manifest, before and after, and two files of the page. */
  snapshotWrites: 4,
  /** Without a change, a snapshot on a change is renewed after four minutes. The others are half a minute apart. */
  snapshotsPerMinute: { onChange: 1 / 4, always: 2 },
  snapshotPauseMs: { onChange: 0, always: 30_000 },
} as const;

/** The most that an idle month of a small stage may cost, in US dollars. */
export const SMALL_MAX_USD = 5;
