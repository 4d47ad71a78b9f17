import { plusSeconds, type Timestamp } from '../schemas/time.ts';

/** What was known of when a problem began. `null` where it could not be read. */
export type OnsetEvidence = {
  /** Earliest start of the alerts. */
  alertStartedAt: Timestamp;
  /** How long the rule waits before it fires, and how often it looks; in seconds. */
  rule: { forSeconds: number; intervalSeconds: number } | null;
  /** First sample of the health query above its limit, of the run of bad samples that led to the alert. */
  firstBadAt: Timestamp | null;
};

export type Onset = { at: Timestamp; from: 'health' | 'rule' | 'alert' };

/**
 * When the problem began, which is before its alert: the first bad point of the health query, else the alert's start
 * less the rule's `for` and one evaluation, else the alert's start.
 */
export function onsetOf({ alertStartedAt, rule, firstBadAt }: OnsetEvidence): Onset {
  if (firstBadAt !== null && firstBadAt <= alertStartedAt) return { at: firstBadAt, from: 'health' };
  if (rule === null) return { at: alertStartedAt, from: 'alert' };
  return { at: plusSeconds(alertStartedAt, -(rule.forSeconds + rule.intervalSeconds)), from: 'rule' };
}
