import { BoundedMap } from '../../domain/bounded-map.ts';
import { onceFor } from '../../domain/once-for.ts';
import type { Evidence } from '../../domain/correlation/evidence.ts';
import { filledWith, type HealthSeries } from '../../domain/incidents/health-series.ts';
import { decisionsOf, measuredOnset, type Problem, problemsOf } from '../../domain/incidents/problems.ts';
import type { HealthSamples } from '../../domain/ports/health-samples.ts';
import type { Story } from '../../domain/messages/story.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** What the newest judgement of a problem with samples of the health query has read. */
export type JudgedHealth = { decision: DecisionView; evidence: Evidence; problem: Problem };

/** What is stored about the health of an incident: the newest problem, those before it, newest first, and one series of samples. */
export type HealthRead = JudgedHealth & { earlier: readonly JudgedHealth[]; series: HealthSeries };

/** How many judgements are looked through for samples, of one problem and of all. */
const JUDGEMENTS_READ = 12;
const JUDGEMENTS_READ_IN_ALL = 48;

/** Evidence of decisions, which never changes, by their IDs: an open page asks for it every few seconds. */
const cacheOf = onceFor(() => new BoundedMap<Evidence | null>(CACHED_MAX));
const CACHED_MAX = 200;

/**
 * Reads the stored health of an incident without asking the monitoring system: its samples, and for each problem the inputs of the
 * newest judgement that has read samples. The samples of judgements fill gaps in the stored ones, for example in incidents of older
 * versions. Null: no judgement has samples of a health query, or they could not be read.
 */
export async function readHealth(
  deps: Pick<Deps, 'decisions' | 'log'> & { healthSamples: HealthSamples },
  { incident, decisions }: Pick<Story, 'incident' | 'decisions'>,
): Promise<HealthRead | null> {
  const judgements = decisions.filter(({ question }) => question === undefined).toReversed();
  try {
    const read: JudgedHealth[] = [];
    let left = JUDGEMENTS_READ_IN_ALL;
    for (const problem of problemsOf(incident).toReversed()) {
      let after: Evidence['earlier_problem'];
      for (const decision of decisionsOf(problem, judgements).slice(0, Math.min(left, JUDGEMENTS_READ))) {
        left -= 1;
        const evidence = await evidenceOf(deps.decisions, incident.id, decision.id);
        if (evidence === null) continue;
        if (after !== undefined && evidence.at > after.until) continue; // it is about the same problem as the newer one
        read.push({ decision, evidence, problem });
        // An older version has recorded several problems as one. The judgement of each leaves out the samples of those before it.
        after = incident.earlier_problems === undefined ? evidence.earlier_problem : undefined;
        if (after === undefined) break;
      }
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

/** Returns when the first problem of an incident began. Null: that was not measured. @param from which end of what is known of it */
export const firstOnsetOf = (health: HealthRead | null, from: 'at' | 'earliest'): Timestamp | null =>
  (health === null ? [] : [health, ...health.earlier])
    .map(({ problem, evidence }) => measuredOnset(problem, evidence)[from])
    .toSorted()[0] ?? null;

async function evidenceOf(
  decisions: Deps['decisions'],
  incident: IncidentId,
  decision: string,
): Promise<Evidence | null> {
  const cached = cacheOf(decisions);
  const known = cached.get(decision);
  if (known !== undefined) return known;
  const inputs = await decisions.inputs(incident, Number(numberOf(decision)));
  const evidence = inputs?.evidence;
  const withSamples = evidence?.health && evidence.health.curve.length > 0 ? evidence : null;
  cached.set(decision, withSamples);
  return withSamples;
}
