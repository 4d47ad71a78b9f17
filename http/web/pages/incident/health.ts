import { html } from 'hono/html';
import { onsetOf } from '../../../../domain/correlation/onset.ts';
import type { Evidence } from '../../../../domain/correlation/evidence.ts';
import type { Story } from '../../../../domain/messages/story.ts';
import type { Deps } from '../../../../domain/ports/deps.ts';
import { numberOf, questionName } from '../../../../domain/rollback/question-names.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { clockTime, type Html, panel } from '../../parts.ts';
import { type Mark, plot } from '../../plot.ts';

/** What the newest judgement with samples of the health query has read. */
export type HealthRead = { decision: DecisionView; evidence: Evidence };

/** How many judgements are looked through for samples. */
const JUDGEMENTS_READ = 3;

/** Limits of the seconds that are shown before the first mark: several times the span of the marks. */
const BEFORE_SECONDS = { min: 2 * 60, max: 20 * 60, times: 4 };

/** Seconds after the judgement in which rollbacks are marked. */
const AFTER_SECONDS = 30 * 60;

/** Part of the picture that is free after the last mark, so that it does not stand at the edge. */
const FREE_AFTER = 0.04;

const CHANGES_MARKED = 3;

/** Evidence of decisions, which never changes, by their IDs: an open page asks for it every few seconds. */
const KEPT = new WeakMap<Deps['decisions'], Map<string, Evidence | null>>();
const KEPT_MAX = 50;

/**
 * Reads the stored inputs of the newest judgement. They are what Firebreak decided on, and need no monitoring system.
 * Null: no judgement has samples of a health query, or they could not be read.
 */
export async function healthOf(
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
  const kept = KEPT.get(decisions) ?? new Map<string, Evidence | null>();
  KEPT.set(decisions, kept);
  const known = kept.get(decision);
  if (known !== undefined) return known;
  const inputs = await decisions.inputs(incident, Number(numberOf(decision)));
  const evidence = inputs?.evidence;
  const shown = evidence?.health && evidence.health.curve.length > 0 ? evidence : null;
  const [oldest] = kept.keys();
  if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  kept.set(decision, shown);
  return shown;
}

/** Shows the health around the onset, with what happened then. */
export function healthPanel(
  { incident, effects }: Pick<Story, 'incident' | 'effects'>,
  health: HealthRead | null,
  now: Timestamp,
): Html | '' {
  if (health === null || health.evidence.health === null) return '';
  const { decision, evidence } = health;
  const { curve, max } = health.evidence.health;
  const marks = marksOf(evidence, decision, effects);
  const times = [...marks.map(({ at, from }) => from ?? at), ...marks.map(({ at }) => at), evidence.at].toSorted();
  const [first = evidence.at, last = evidence.at] = [times[0], times.at(-1)];
  const { min, max: most, times: several } = BEFORE_SECONDS;
  const before = Math.min(Math.max(several * secondsBetween(first, last), min), most);
  const [oldest = first] = curve[0] ?? [];
  const from = [oldest, plusSeconds(first, -before)].toSorted().at(-1) ?? first;
  return panel(
    'health',
    'Health',
    null,
    html`${plot({
        id: 'health',
        title: `Health of ${incident.service} ${incident.environment}`,
        curve,
        from,
        until: plusSeconds(last, Math.ceil(secondsBetween(from, last) * FREE_AFTER)),
        limit: Number.isFinite(max) ? max : null,
        marks,
      })}
      <p class="quiet">
        Samples of the health query that Firebreak read for decision ${questionName(decision.id)} at
        ${clockTime(evidence.at, now)}.
      </p>`,
  );
}

function marksOf(evidence: Evidence, decision: DecisionView, effects: Story['effects']): Mark[] {
  const onset = onsetOf(evidence);
  const oldest = plusSeconds(onset.earliest, -2 * 3600);
  const changes = evidence.changes
    .filter(({ relation, change }) => relation === 'same' && change.started_at >= oldest)
    .map(({ change }) => change)
    .toSorted((a, b) => Number(a.version === decision.from_version) - Number(b.version === decision.from_version))
    .slice(-CHANGES_MARKED);
  const rollbacks = effects.filter(
    ({ kind, state, at }) =>
      kind === 'roll-back' &&
      (state === 'succeeded' || state === 'accepted') &&
      at <= plusSeconds(evidence.at, AFTER_SECONDS),
  );
  return [
    ...changes.map(({ kind, version, started_at, finished_at }): Mark => ({
      kind: 'deploy',
      at: finished_at ?? started_at,
      label: `${kind} of ${version}`,
    })),
    { kind: 'onset', at: onset.at, from: onset.earliest, until: onset.latest, label: 'onset' } satisfies Mark,
    { kind: 'alert', at: evidence.onset.alertStartedAt, label: 'alert' } satisfies Mark,
    ...rollbacks.map(({ at }): Mark => ({ kind: 'rollback', at, label: 'rollback' })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
