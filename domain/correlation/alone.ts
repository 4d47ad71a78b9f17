import type { Timestamp } from '../../schemas/time/time.ts';
import { type Candidate, finishedBefore } from './candidates.ts';
import type { Factor } from './factor.ts';
import type { Course } from './health.ts';

/**
 * Time in seconds after it takes traffic within which a bad deploy usually shows. Later, a coincidence is as likely.
 */
const SOON_SECONDS = 600;

/** Log-odds above which a change, taken by itself, is more probable than not. */
const PLAUSIBLE_LOG_ODDS = 0;

/** Factors that distinguish the change's version from other versions that serve traffic at the same time. */
const BY_VERSION: ReadonlySet<string> = new Set(['only_its_version_bad', 'its_version_worse']);

export type Weighed = { candidate: Candidate; factors: readonly Factor[]; course: Course | null };

/**
 * Returns why a person must decide about this suspect, however probable it is; null if Firebreak may act on it
 * automatically. Where errors are measured, they must support the change and no factor may contradict it. Where no
 * errors are measured, only the timing and the firing alert are evaluated.
 */
export function whyPersonDecides(own: Weighed, others: readonly Weighed[], onset: Timestamp): string | null {
  const rivals = others.filter(
    (other) => other.candidate.change.kind !== 'rollback' && sum(other) > PLAUSIBLE_LOG_ODDS,
  );
  const certain = own.factors.some(({ name }) => name === 'only_its_version_bad');
  if (rivals.length > 0 && !certain)
    return `${rivals.map(({ candidate }) => candidate.change.version).join(', ')} could also be the cause`;
  const finished = finishedBefore(own.candidate.change, onset) ?? 0;
  const unreadable = own.factors.some(({ name }) => name === 'unmeasured');
  if (unreadable && finished > SOON_SECONDS)
    return 'errors could not be measured, and it did not finish close enough to the problem';
  if (own.course === null || own.course.ratio === null || isProven(own.factors)) return null;
  if (!own.factors.some(({ name, weight }) => name === 'step' && weight > 0))
    return 'the measured errors do not support it';
  const against = own.factors.find(({ name, weight }) => weight < 0 && !name.startsWith('kind_'));
  if (against !== undefined) return `evidence against it: ${against.text}`;
  return finished > SOON_SECONDS
    ? 'only its timing supports it, and it did not finish close enough to the problem'
    : null;
}

/**
 * Returns whether monitoring distinguishes versions and only this version is bad, which is more than a coincidence in
 * time.
 */
export const isProven = (factors: readonly Factor[]): boolean =>
  factors.some(({ name, weight }) => BY_VERSION.has(name) && weight > 0);

const sum = ({ factors }: Weighed): number => factors.reduce((total, { weight }) => total + weight, 0);
