import type { Evidence } from '../../domain/correlation/evidence.ts';
import type { Story } from '../../domain/messages/story.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';

/** What the newest judgement with samples of the health query has read. */
export type HealthRead = { decision: DecisionView; evidence: Evidence };

/** How many judgements are looked through for samples. */
const JUDGEMENTS_READ = 3;

/** Evidence of decisions, which never changes, by their IDs: an open page asks for it every few seconds. */
const CACHE = new WeakMap<Deps['decisions'], Map<string, Evidence | null>>();
const CACHED_MAX = 50;

/**
 * Reads the stored inputs of the newest judgement. They are what Firebreak decided on, and need no monitoring system.
 * Null: no judgement has samples of a health query, or they could not be read.
 */
export async function readHealth(
  deps: Pick<Deps, 'decisions' | 'log'>,
  { incident, decisions: all }: Pick<Story, 'incident' | 'decisions'>,
): Promise<HealthRead | null> {
  const judgements = all.filter(({ question }) => question === undefined).slice(-JUDGEMENTS_READ);
  try {
    for (const decision of judgements.toReversed()) {
      const evidence = await evidenceOf(deps.decisions, incident.id, decision.id);
      if (evidence !== null) return { decision, evidence };
    }
  } catch (error) {
    deps.log.warn('the inputs of a decision could not be read', { incident: incident.id, error: String(error) });
  }
  return null;
}

async function evidenceOf(
  decisions: Deps['decisions'],
  incident: IncidentId,
  decision: string,
): Promise<Evidence | null> {
  const cached = CACHE.get(decisions) ?? new Map<string, Evidence | null>();
  CACHE.set(decisions, cached);
  const known = cached.get(decision);
  if (known !== undefined) return known;
  const inputs = await decisions.inputs(incident, Number(numberOf(decision)));
  const evidence = inputs?.evidence;
  const withSamples = evidence?.health && evidence.health.curve.length > 0 ? evidence : null;
  const [oldest] = cached.keys();
  if (cached.size >= CACHED_MAX && oldest !== undefined) cached.delete(oldest);
  cached.set(decision, withSamples);
  return withSamples;
}
