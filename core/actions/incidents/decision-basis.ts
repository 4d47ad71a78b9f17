import { BoundedMap } from '../../domain/bounded-map.ts';
import { onceFor } from '../../domain/once-for.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionBasis } from '../../../schemas/incidents/decision-basis.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';

/** What decisions were based on never changes: an open page asks for it every few seconds. */
const cacheOf = onceFor(() => new BoundedMap<DecisionBasis | null>(CACHED_MAX));
const CACHED_MAX = 100;

/**
 * Reads what each of these decisions was based on, by its ID. Those without it are left out: they ask about a runbook step, were
 * stored by a version that decided otherwise, or could not be read.
 */
export async function basesOf(
  { decisions, log }: Pick<Deps, 'decisions' | 'log'>,
  incident: IncidentId,
  asked: readonly Pick<DecisionView, 'id' | 'question'>[],
): Promise<ReadonlyMap<string, DecisionBasis>> {
  const cached = cacheOf(decisions);
  const read = async ({ id, question }: (typeof asked)[number]): Promise<[string, DecisionBasis][]> => {
    if (question !== undefined) return [];
    try {
      const cachedBasis = cached.get(id);
      const basis = cachedBasis === undefined ? await decisions.basis(incident, Number(numberOf(id))) : cachedBasis;
      cached.set(id, basis);
      return basis === null ? [] : [[id, basis]];
    } catch (error) {
      log.warn('what a decision is based on could not be read', { incident, decision: id, error: String(error) });
      return [];
    }
  };
  return new Map((await Promise.all(asked.map(read))).flat());
}
