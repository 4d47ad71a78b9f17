/**
 * Names and numbers of the resources, for `sst.config.ts` and for one machine alike.
 */

/** The one table. `list` holds what is listed across places, newest first. */
export const TABLE = {
  keys: { hash: 'pk', range: 'sk' },
  index: { name: 'list', hash: 'list', range: 'list_key' },
  /** Epoch seconds after which DynamoDB may delete an item. Readers compare it themselves: deletion comes days later. */
  ttl: 'expires_at',
} as const;

/**
 * Seconds. Visibility is six times the router's time-out, as AWS recommends; it counts only for a function that dies.
 * What fails is delivered again within seconds (functions/queue-batch.ts), and 16 receives at that pace are ten minutes.
 */
export const ROUTER_TIMEOUT_SECONDS = 20;
export const QUEUE = {
  visibilitySeconds: 6 * ROUTER_TIMEOUT_SECONDS,
  maxReceives: 16,
  batchSize: 10,
  /** Small, because a batch ends with its slowest message and a page may be waiting behind it. */
  urgentBatchSize: 5,
  /** Small, so that a flood leaves gaps for everything else wherever one machine does all. */
  unmatchedBatchSize: 2,
  deadLetterDays: 14,
} as const;

/** What people do in Slack and at the pager. One message at a time: nobody waits for those of others. */
export const PEOPLE = { timeoutSeconds: 20, batchSize: 1 } as const;

/** What is shown elsewhere. A message only wakes, so that one which comes twice or never does no harm. */
export const PROJECT = { timeoutSeconds: 60, visibilitySeconds: 90, maxReceives: 16 } as const;

export const HTTP_TIMEOUT_SECONDS = 20;
/** Slack waits three; a start may take longer, and what was begun is finished. */
export const SLACK_TIMEOUT_SECONDS = 10;
export const SWEEP_TIMEOUT_SECONDS = 50;
export const EVALUATE_TIMEOUT_SECONDS = 45;
/** Longer than a round of letters with the longest one at its end. */
export const DIGEST_TIMEOUT_SECONDS = 58;

/** One invocation of the workflow carries as many steps as fit; a vendor's attempt may take at most a third of it. */
export const WORKFLOW = {
  invocationTimeoutSeconds: 60,
  executionTimeoutSeconds: 14 * 24 * 3600,
  retentionDays: 30,
} as const;

/** Functions that are called at a fixed rate. */
export const SCHEDULES = [
  { name: 'sweep', everySeconds: 60 },
  { name: 'evaluate', everySeconds: 60 },
  { name: 'digest', everySeconds: 60 },
] as const;

/**
 * Functions that call themselves again, by a queue or directly, more often in one chain than Lambda allows by default:
 * each wait of a projector is a message to its own queue, and each run of the workflow starts the next one.
 */
export const RECURSIVE = ['project', 'workflow'] as const;
