import type { Evidence } from '../../domain/correlation/evidence.ts';
import { filledWith, type HealthSeries } from '../../domain/incidents/health-series.ts';
import type { HealthSamples } from '../../domain/ports/health-samples.ts';
import type { Story } from '../../domain/messages/story.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';

/** What the newest judgement of a problem with samples of the health query has read. */
export type JudgedHealth = { decision: DecisionView; evidence: Evidence };

/** What is stored about the health of an incident: the newest problem, those before it, newest first, and one series of samples. */
export type HealthRead = JudgedHealth & { earlier: readonly JudgedHealth[]; series: HealthSeries };

/** How many judgements are looked through for samples. */
const JUDGEMENTS_READ = 12;

/** Evidence of decisions, which never changes, by their IDs: an open page asks for it every few seconds. */
const CACHE = new WeakMap<Deps['decisions'], Map<string, Evidence | null>>();
const CACHED_MAX = 200;

/**
 * Reads the samples of an incident that are kept, and the stored inputs of the newest judgement of each problem. They are what Firebreak
 * decided on, and need no monitoring system. Judgements fill in what is not kept, such as in incidents of older versions. Null: no
 * judgement has samples of a health query, or they could not be read.
 */
export async function readHealth(
  deps: Pick<Deps, 'decisions' | 'log'> & { healthSamples: HealthSamples },
  { incident, decisions: all }: Pick<Story, 'incident' | 'decisions'>,
): Promise<HealthRead | null> {
  const judgements = all.filter(({ question }) => question === undefined).slice(-JUDGEMENTS_READ);
  try {
    const read: JudgedHealth[] = [];
    for (const decision of judgements.toReversed()) {
      const after = read.at(-1)?.evidence.earlier_problem;
      if (read.length > 0 && after === undefined) break; // it leaves out no samples of a problem before it
      const evidence = await evidenceOf(deps.decisions, incident.id, decision.id);
      if (evidence !== null && (after === undefined || evidence.at <= after.until)) read.push({ decision, evidence });
    }
    const [newest, ...earlier] = read;
    if (newest === undefined) return null;
    const kept = await deps.healthSamples.read(incident.id);
    const series = read.reduce((known, { evidence: { health, traffic } }) => {
      return filledWith(known, { curve: health?.curve ?? [], traffic: traffic ?? [] });
    }, kept);
    return { ...newest, earlier, series };
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
