import type { Timestamp } from '../../schemas/time.ts';
import { type Candidate, finishedBefore } from './candidates.ts';
import type { Factor } from './factor.ts';
import type { Course } from './health.ts';

/** Bad deploys show themselves this soon after they take traffic; later, what has happened by chance is as likely. */
const SOON_SECONDS = 600;

/** Log-odds from which on it alone would be more probable than not. */
const MAY_BE = 0;

/** By these the version itself is told from others that serve beside it. */
const BY_VERSION: ReadonlySet<string> = new Set(['only_its_version_bad', 'its_version_worse']);

export type Weighed = { candidate: Candidate; factors: readonly Factor[]; course: Course | null };

/**
 * Why the evidence for one suspect is for a person, however probable it is. Null: it may be acted upon alone. Where errors
 * are measured they have to bear the change out, and nothing may speak against it; where nothing is measured, the time and
 * the alert that asks are all that there is.
 */
export function whyNotAlone(own: Weighed, others: readonly Weighed[], onset: Timestamp): string | null {
  const rivals = others.filter((other) => other.candidate.change.kind !== 'rollback' && sum(other) > MAY_BE);
  const certain = own.factors.some(({ name }) => name === 'only_its_version_bad');
  if (rivals.length > 0 && !certain)
    return `${rivals.map(({ candidate }) => candidate.change.version).join(', ')} may be the cause as well`;
  const finished = finishedBefore(own.candidate.change, onset) ?? 0;
  const unreadable = own.factors.some(({ name }) => name === 'unmeasured');
  if (unreadable && finished > SOON_SECONDS) return 'errors cannot be measured, and its time is not near enough';
  if (own.course === null || own.course.ratio === null || isProven(own.factors)) return null;
  if (!own.factors.some(({ name, weight }) => name === 'step' && weight > 0))
    return 'what is measured does not bear it out';
  const against = own.factors.find(({ name, weight }) => weight < 0 && !name.startsWith('kind_'));
  if (against !== undefined) return `against it speaks that ${against.text}`;
  return finished > SOON_SECONDS ? 'only its time speaks for it, and that is not near enough' : null;
}

/** Monitoring tells this version from others, and only this one is bad: more than a coincidence in time. */
export const isProven = (factors: readonly Factor[]): boolean =>
  factors.some(({ name, weight }) => BY_VERSION.has(name) && weight > 0);

const sum = ({ factors }: Weighed): number => factors.reduce((total, { weight }) => total + weight, 0);
