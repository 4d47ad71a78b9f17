import type { Evidence } from '../correlation/evidence.ts';
import type { Correlation, RankedSuspect } from '../correlation/ranking.ts';
import { namesOf, neighboursOf } from '../correlation/neighbours.ts';
import { list } from '../correlation/words.ts';

/** Other services that may fail without an explanation by the suspect: one is a coincidence, or an undeclared caller. */
const UNEXPLAINED_MAX = 1;

/**
 * Returns why a person decides about this suspect while many services fail. Null: it explains why they fail. Its own
 * version fails beside a healthy one, nothing that it depends on fails, and the other failing services depend on it.
 */
export function notExplained(
  evidence: Evidence,
  { onset }: Pick<Correlation, 'onset'>,
  top: RankedSuspect | undefined,
): string | null {
  if (top === undefined || top.proof === null || top.relation !== 'same')
    return 'several services are failing at once, so a deploy of one service is probably not the cause';
  const { dependencies, unexplained, unreadable, ignored } = neighboursOf(evidence, onset);
  if (unreadable || ignored)
    return 'several services are failing at once, and it is not known whether they depend on this one';
  const strangers = namesOf(unexplained);
  const others = [...namesOf(dependencies), ...(strangers.length > UNEXPLAINED_MAX ? strangers : [])];
  return others.length === 0
    ? null
    : `several services are failing at once, and ${top.version} does not explain why ${list(others)} ${others.length === 1 ? 'fails' : 'fail'}`;
}
