import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';

/** Evidence for the start of a problem. `null`: could not be read. */
export type OnsetEvidence = {
  /** Earliest start of the alerts. */
  alertStartedAt: Timestamp;
  /** The rule's `for` duration and evaluation interval, in seconds. */
  rule: { forSeconds: number; intervalSeconds: number } | null;
  /** First sample above the limit in the run of bad samples of the health query that led to the alert. */
  firstBadAt: Timestamp | null;
};

export type Onset = { at: Timestamp; from: 'health' | 'rule' | 'alert' };

/**
 * Returns the onset, which is before the alert: the first bad sample of the health query, else the alert's start minus
 * the rule's `for` and one evaluation interval, else the alert's start.
 */
export function onsetOf({ alertStartedAt, rule, firstBadAt }: OnsetEvidence): Onset {
  if (firstBadAt !== null && firstBadAt <= alertStartedAt) return { at: firstBadAt, from: 'health' };
  if (rule === null) return { at: alertStartedAt, from: 'alert' };
  return { at: plusSeconds(alertStartedAt, -(rule.forSeconds + rule.intervalSeconds)), from: 'rule' };
}
