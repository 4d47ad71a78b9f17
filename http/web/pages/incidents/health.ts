import { html } from 'hono/html';
import type { HealthRead } from '../../../../actions/incidents/health-read.ts';
import { onsetOf } from '../../../../domain/correlation/onset.ts';
import type { Evidence } from '../../../../domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { Story } from '../../../../domain/messages/story.ts';
import { questionName } from '../../../../domain/rollback/question-names.ts';
import type { DecisionView } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { clockTime, type Html, panel } from '../../parts.ts';
import { type Mark, plot } from '../../plot.ts';

/** Seconds that are shown before the first mark: a multiple of the time between the marks, within limits. */
const BEFORE_SECONDS = { min: 2 * 60, max: 20 * 60, factor: 4 };

/** Seconds after the judgement in which rollbacks are marked. */
const AFTER_SECONDS = 30 * 60;

/** Part of the picture that is free after the last mark, so that the mark is not at the edge. */
const FREE_AFTER = 0.04;

const CHANGES_MARKED = 3;

const LONG_ROLLOUT_SECONDS = 30;

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
  const { min, max: most, factor: several } = BEFORE_SECONDS;
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

/** Marks both ends of a longer roll-out: with its end alone, it would seem to have come after what it caused. */
function marksOfChange({ kind, version, started_at: began, finished_at: ended }: Change): Mark[] {
  const label = `${kind} of ${version}`;
  if (ended === null || secondsBetween(began, ended) < LONG_ROLLOUT_SECONDS)
    return [{ kind: 'deploy', at: ended ?? began, label }];
  return [
    { kind: 'deploy', at: began, label: `${label} begins` },
    { kind: 'deploy', at: ended, label: `${label} ends` },
  ];
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
    ...changes.flatMap(marksOfChange),
    { kind: 'onset', at: onset.at, from: onset.earliest, until: onset.latest, label: 'onset' } satisfies Mark,
    { kind: 'alert', at: evidence.onset.alertStartedAt, label: 'alert' } satisfies Mark,
    ...rollbacks.map(({ at }): Mark => ({ kind: 'rollback', at, label: 'rollback' })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
