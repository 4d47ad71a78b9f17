import { deployedOver, fixForward } from '../../domain/changes/deployed-over.ts';
import { isProbable } from '../../domain/correlation/words.ts';
import { causeOf, causeWords } from '../../domain/incidents/cause.ts';
import { endedProblemsOf } from '../../domain/incidents/problems.ts';
import { comparableOf, type Comparable, similarity } from '../../domain/incidents/similar.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { configured } from '../../domain/ports/extensions.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EarlierProblem, IncidentRecord, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { SimilarIncident } from '../../../schemas/incidents/similar.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import { didNotHelp } from '../../domain/rollback/verdict.ts';
import { pooled } from '../../domain/concurrency.ts';

export type SimilarDeps = Pick<Deps, 'incidents' | 'changes' | 'config' | 'extensions' | 'clock'>;

/** Earlier incidents of the service that are compared: the newest ones of 90 days. */
const COMPARED_MAX = 30;
const WINDOW_SECONDS = 90 * 86_400;

/** Alerts of each incident that are compared. */
const SIGNALS_MAX = 10;
const SHOWN_MAX = 3;
const AT_ONCE = 8;

/** Returns the earlier incidents that resemble one, the most similar first. Reads a limited number of records. */
export async function similarIncidents(deps: SimilarDeps, incident: IncidentRecord): Promise<SimilarIncident[]> {
  if (incident.group_reason !== undefined) return [];
  const { id, service, environment, unmatched, opened_at } = incident;
  const since = plusSeconds(deps.clock.now(), -WINDOW_SECONDS);
  const { items } = await deps.incidents.recent({ since, service, limit: COMPARED_MAX });
  const earlier = items.filter(
    (one) =>
      one.id !== id &&
      one.opened_at <= opened_at &&
      one.environment === environment &&
      one.unmatched === unmatched &&
      one.group_reason === undefined,
  );
  if (earlier.length === 0) return [];
  const current = await comparable(deps, incident);
  const found: { one: IncidentRecord; score: number; reasons: string[] }[] = [];
  await pooled(earlier, AT_ONCE, async (one) => {
    const same = similarity(current, await comparable(deps, one));
    if (same !== null) found.push({ one, ...same });
  });
  const best = found.toSorted((a, b) => b.score - a.score || (a.one.id < b.one.id ? 1 : -1)).slice(0, SHOWN_MAX);
  if (best.length === 0) return [];
  const lists = await configured(deps.extensions.actionItems, await deps.config.current());
  const open = (await Promise.all(lists.map((list) => list.openOf(service)))).flat();
  return Promise.all(
    best.map(async ({ one, reasons }) => ({
      id: one.id,
      ...(one.number !== undefined && { number: one.number }),
      title: one.title,
      opened_at: one.opened_at,
      reasons,
      fixed_by: await fixedBy(deps, one, await deps.incidents.view(one.id)),
      open_action_items: open.filter(({ incident_id }) => incident_id === one.id).length,
    })),
  );
}

async function comparable({ incidents, changes }: SimilarDeps, one: IncidentRecord): Promise<Comparable> {
  const cause = causeOf(one);
  const [{ items }, change] = await Promise.all([
    incidents.signals(one.id, { limit: SIGNALS_MAX }),
    cause.kind === 'change' ? changes.get(cause.suspect.change_id) : undefined,
  ]);
  return comparableOf(items, one.title, change?.kind ?? null);
}

/**
 * Returns what ended the problems of an incident: a newer version over the cause of the last one, else the newest mitigation, also if a
 * later problem ended without one. A mitigation that did not help is no fix. Null: it is open, or that is not known.
 */
async function fixedBy(
  deps: SimilarDeps,
  incident: IncidentRecord,
  view: IncidentView | undefined,
): Promise<string | null> {
  if (incident.status !== 'resolved' || view === undefined) return null;
  const problems = endedProblemsOf(incident);
  const last = problems.at(-1);
  const mitigated = problems.findLast(({ mitigation }) => mitigation !== undefined);
  // Records of older versions do not name what was verified.
  const verified = mitigated ?? last;
  const hasHelped = verified?.verification === 'passed' && !didNotHelp(verified);
  const fix = hasHelped ? mitigationText(incident.id, view, verified.mitigation) : null;
  if (fix !== null && verified === last) return fix;
  const words = causeWords(causeOf(incident));
  if (words !== null) return fix === null ? words : `${fix}; ${words}`;
  if (incident.resolved_by !== null) return fix;
  const end = await endOfItsOwn(deps, last);
  if (end !== BY_ITSELF) return end ?? fix;
  const isKnown = mitigated === undefined || mitigated === last || hasHelped || didNotHelp(mitigated);
  return fix ?? (isKnown ? end : null);
}

/** Says what mitigated a problem. Null: no action is recorded. @param mitigation undefined: the newest action did */
function mitigationText(id: IncidentId, view: IncidentView, mitigation: EarlierProblem['mitigation']): string | null {
  if (mitigation?.change !== undefined) return 'fixed outside Firebreak: the earlier version was deployed again';
  const { number, runbook } = mitigation ?? {};
  const done = view.effects.filter(({ kind, state }) => state === 'succeeded' && ACTION_TEXTS.has(kind));
  const own = done.findLast(({ key }) =>
    runbook === undefined ? key === `${id}.roll-back.${number}` : key.startsWith(`${id}.runbook.${runbook}.`),
  );
  const action = own ?? done.at(-1);
  if (action === undefined) return null;
  const decision = view.decisions.findLast((one) =>
    own === undefined || runbook !== undefined
      ? one.kind === 'roll_back' || one.state === 'approved'
      : Number(numberOf(one.id)) === number,
  );
  return action.kind === 'roll-back' && decision?.from_version != null && decision.to_version !== null
    ? `fixed by a rollback of ${decision.from_version} to ${decision.to_version}`
    : `fixed by: ${ACTION_TEXTS.get(action.kind)}`;
}

/** Newest changes of a service that are read to find a version that was deployed over the probable cause. */
const CHANGES_READ = 100;

const BY_ITSELF = 'ended by itself';

/** Says how a problem ended that nothing has mitigated: fixed forward, or by itself. Null: too many changes were made since. */
async function endOfItsOwn(
  { changes }: SimilarDeps,
  problem: ReturnType<typeof endedProblemsOf>[number] | undefined,
): Promise<string | null> {
  const suspect = problem?.suspects.find(isProbable);
  const cause = suspect && (await changes.get(suspect.change_id));
  if (problem === undefined || cause === undefined) return BY_ITSELF;
  const recent = await changes.recent(cause, CHANGES_READ);
  if (!recent.some(({ id }) => id === cause.id)) return null;
  const fix = fixForward(deployedOver(recent, cause, problem), problem);
  return fix === undefined ? BY_ITSELF : `ended after ${fix.version} was deployed over ${cause.version}`;
}

const ACTION_TEXTS: ReadonlyMap<string, string> = new Map([
  ['roll-back', 'a rollback'],
  ['flag', 'a feature flag'],
  ['scale', 'scaling'],
  ['restart', 'a restart'],
  ['reroute', 'a shift of traffic'],
  ['http', 'a call of a runbook'],
]);

/**
 * Stores the similar incidents with an incident, for its card and its page. Writes only if they have changed, because a
 * write updates the card.
 */
export async function updateSimilar(deps: SimilarDeps, id: IncidentId): Promise<boolean> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return false;
  const similar = await similarIncidents(deps, incident);
  if (JSON.stringify(similar) === JSON.stringify(incident.similar ?? [])) return false;
  await deps.incidents.setSimilar(id, similar);
  return true;
}
