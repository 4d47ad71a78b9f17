import { ofVersion } from '../../../../core/domain/changes/change-words.ts';
import { html } from 'hono/html';
import type { HealthRead, JudgedHealth } from '../../../../core/actions/incidents/health-read.ts';
import type { LiveHealthRead } from '../../../../core/actions/incidents/live-health.ts';
import { type HealthQuery, wholeOfHealth } from '../../../../core/domain/catalogue/health.ts';
import type { Curve } from '../../../../core/domain/correlation/evidence.ts';
import { isQuantile, metricsIn, quantileOf } from '../../../../core/domain/correlation/query.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { filledWith } from '../../../../core/domain/incidents/health-series.ts';
import { closedAsOf } from '../../../../core/domain/incidents/closing.ts';
import { measuredOnset, problemsOf } from '../../../../core/domain/incidents/problems.ts';
import type { Story } from '../../../../core/domain/messages/story.ts';
import { numberOf } from '../../../../core/domain/rollback/question-names.ts';
import type { DecisionView, Effect } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { clockTime, type Html, panel, spanOf } from '../../parts.ts';
import { dataTables, type Mark, type Plot, plot, SHARE, type Unit } from '../../plot.ts';

/** Seconds that are shown before the first mark of a stored curve: a multiple of the time between the marks, within limits. */
const BEFORE_SECONDS = { min: 2 * 60, max: 20 * 60, factor: 4 };

/** Part of the picture that is free after the last mark or sample, so that it is not at the edge. */
const FREE_AFTER = 0.04;

const CHANGES_MARKED = 3;

/** More marks of alerts would hide the curve. */
const ALERTS_MARKED = 5;

const LONG_ROLLOUT_SECONDS = 30;

/** Versions whose health is drawn. */
const VERSIONS_MAX = 4;

const HEIGHTS = { main: 170, other: 84 };

type Shown = Pick<Story, 'incident' | 'effects'> & Partial<Pick<Story, 'signals' | 'decisions'>>;

/** Samples to draw, with their span. */
type Drawn = Pick<Plot, 'curve' | 'from' | 'until'> & { max: number; unit: Unit; called: Html; traffic: Curve | null };

/**
 * Shows the health around the problem, with what happened then: until now if it could be read, else as the newest judgement
 * has read it.
 */
export function healthPanel(
  shown: Shown,
  health: HealthRead | null,
  now: Timestamp,
  read: LiveHealthRead | null = null,
): Html | '' {
  const drawn = read === null ? storedCurve(shown, health) : liveCurve(read, health);
  if (drawn === null) return '';
  const { incident } = shown;
  const { curve, from, until, max, unit, called, traffic } = drawn;
  const limit = Number.isFinite(max) ? max : null;
  const common = { from, until, table: null, group: 'health' };
  const main: Plot = {
    ...common,
    id: 'health',
    title: `Health of ${incident.service} ${incident.environment}`,
    curve,
    limit,
    unit,
    height: HEIGHTS.main,
    marks: marksOf(shown, health, { from, until }),
  };
  const requests: Plot | null = traffic && {
    ...common,
    id: 'traffic',
    title: 'Requests per second',
    curve: traffic,
    limit: null,
    height: HEIGHTS.other,
    marks: [],
  };
  const versions = versionsPlot(read, health?.decision.from_version ?? null, {
    ...common,
    limit,
    unit,
    height: HEIGHTS.other,
    marks: [],
  });
  const plots = [main, requests, versions].filter((one) => one !== null);
  return panel(
    'health',
    'Health',
    null,
    html`${stateLine(drawn, incident, { now, isCurrent: read?.isCurrent === true })}
      ${plots.map((one, n) => html`${n === 0 ? '' : html`<h3 class="plot-title">${one.title}</h3>`}${plot(one)}`)}
      <p class="quiet">${called} ${sourceText(health, curve, { incident, now, read })}</p>
      <details id="health-data">
        <summary>Data as tables</summary>
        ${plots.map((one) => dataTables(one))}
      </details>`,
  );
}

function storedCurve(shown: Shown, health: HealthRead | null): Drawn | null {
  if (health === null || health.evidence.health === null) return null;
  const { evidence } = health;
  const { max, whole } = health.evidence.health;
  const { curve, traffic } = health.series;
  const marks = marksOf(shown, health, null);
  const times = [
    ...marks.flatMap(({ at, from }) => [from ?? at, at]),
    evidence.at,
    ...curve.slice(-1).map(([at]) => at),
  ].toSorted();
  const [first = evidence.at, last = evidence.at] = [times[0], times.at(-1)];
  const { min, max: most, factor: several } = BEFORE_SECONDS;
  const before = Math.min(Math.max(several * secondsBetween(first, last), min), most);
  const [oldest = first] = curve[0] ?? [];
  const from = [oldest, plusSeconds(first, -before)].toSorted().at(-1) ?? first;
  const unit = whole === undefined ? NUMBER : ratioUnit(whole);
  return {
    curve,
    max,
    unit,
    from,
    until: withRoom(from, last),
    called: html``,
    traffic: traffic.length === 0 ? null : traffic,
  };
}

/** Draws what the monitoring system answers now, and what is stored where it has no samples any more. */
function liveCurve({ live }: LiveHealthRead, health: HealthRead | null): Drawn {
  const { query, from, until } = live;
  const within = (curve: Curve): Curve => curve.filter(([at]) => at >= from && at <= until);
  const { curve, traffic } = filledWith(
    { curve: live.curve, traffic: live.traffic ?? [] },
    { curve: within(health?.series.curve ?? []), traffic: within(health?.series.traffic ?? []) },
  );
  const { unit, name } = unitOf(query);
  const called = html`${name}${query.called === query.promql ? '' : `, ${query.called}`}:
    <code>${query.promql}</code>.`;
  return {
    curve,
    max: query.max,
    unit,
    from,
    until: withRoom(from, until),
    called,
    traffic: traffic.length === 0 ? null : traffic,
  };
}

const withRoom = (from: Timestamp, until: Timestamp): Timestamp =>
  plusSeconds(until, Math.ceil(secondsBetween(from, until) * FREE_AFTER));

const NUMBER: Unit = { factor: 1, suffix: '' };
const ratioUnit = (whole: 1 | 100): Unit => (whole === 1 ? SHARE : { factor: 1, suffix: ' %' });

/** Returns the unit of a health query, and what its values are, as far as the query tells. */
function unitOf(query: HealthQuery): { unit: Unit; name: string } {
  const whole = wholeOfHealth(query);
  if (whole !== null) return { unit: ratioUnit(whole), name: 'Failed requests in percent of all' };
  const { promql } = query;
  const [metric = ''] = metricsIn(promql);
  const suffix = /milliseconds|_ms(?:_|$)/.test(metric) ? ' ms' : /seconds/.test(metric) ? ' s' : '';
  const quantile = quantileOf(promql);
  const unit = { factor: 1, suffix };
  if (quantile !== null) return { unit, name: `${Number((quantile * 100).toPrecision(4))}th percentile` };
  return { unit, name: isQuantile(promql) ? 'Percentile' : 'Value of the health query' };
}

/** Says whether it is still broken, and since when. */
function stateLine(
  { curve, max, unit, until }: Drawn,
  { resolved_at: resolvedAt }: Shown['incident'],
  { now, isCurrent }: { now: Timestamp; isCurrent: boolean },
): Html | '' {
  const shown = curve.filter(([at]) => at <= until);
  const last = shown.at(-1);
  if (last === undefined) return '';
  const [at, value] = last;
  const text = (one: number): string => `${Number((one * unit.factor).toPrecision(3))}${unit.suffix}`;
  const when = isCurrent && resolvedAt === null ? html`now` : html`at ${clockTime(at, now)}`;
  if (!Number.isFinite(max)) return html`<p class="health-state">${text(value)} ${when}</p>`;
  const isBad = value > max;
  const before = shown.findLastIndex(([, one]) => one > max !== isBad);
  const [since] = shown[before + 1] ?? last;
  const duration = before === -1 ? '' : ` for ${spanOf(since, at)}`;
  return html`<p class="health-state ${isBad ? 'is-bad' : 'is-good'}">
    <strong>${text(value)} ${when}</strong>, ${isBad ? 'above' : 'within'} the limit of ${text(max)}${duration}
  </p>`;
}

/** Says until when there are samples, and where they are from. */
function sourceText(
  health: HealthRead | null,
  curve: Curve,
  { incident, now, read }: { incident: Shown['incident']; now: Timestamp; read: LiveHealthRead | null },
): Html {
  const [last] = curve.at(-1) ?? [];
  const until = last === undefined ? '' : html`Samples until ${clockTime(last, now)}`;
  if (read?.isCurrent === true) return html`${until}.`;
  const isOver = incident.status === 'resolved';
  if (read !== null) return html`<strong class="lacking">${until}: Prometheus does not answer.</strong>`;
  const isKept = health !== null && last !== undefined && last > health.evidence.at;
  const from = health === null || isKept ? '' : html`, as read for a decision at ${clockTime(health.evidence.at, now)}`;
  return isOver ? html`${until}${from}.` : html`${until}${from}; newer ones could not be read.`;
}

/** Draws the health of the newest versions, that of the suspected one first. */
function versionsPlot(
  read: LiveHealthRead | null,
  suspected: string | null,
  common: Omit<Plot, 'id' | 'title' | 'curve'>,
): Plot | null {
  const newest = (read?.live.versions ?? []).toReversed();
  const chosen = newest
    .toSorted((a, b) => Number(b.version === suspected) - Number(a.version === suspected))
    .slice(0, VERSIONS_MAX);
  const [first, ...others] = chosen;
  return first === undefined
    ? null
    : {
        ...common,
        id: 'versions',
        title: 'Health by version',
        curve: first.curve,
        beside: { ownName: first.version, others: others.map(({ version, curve }) => ({ name: version, curve })) },
      };
}

/** Marks both ends of a longer roll-out: with its end alone, it would seem to have come after what it caused. */
function marksOfChange(change: Change): Mark[] {
  const { kind, started_at: began, finished_at: ended } = change;
  const label = `${kind} ${ofVersion(change)}`;
  if (ended === null || secondsBetween(began, ended) < LONG_ROLLOUT_SECONDS)
    return [{ kind: 'deploy', at: ended ?? began, label }];
  return [
    { kind: 'deploy', at: began, label: `${label} begins` },
    { kind: 'deploy', at: ended, label: `${label} ends` },
  ];
}

/** @example 'rollback to v12' */
function rollbackLabel({ key }: Effect, decisions: readonly DecisionView[]): string {
  const to = decisions.find(({ id }) => key.endsWith(`.${numberOf(id)}`))?.to_version;
  return to == null ? 'rollback' : `rollback to ${to}`;
}

/** Seconds after the judgement in which rollbacks are marked on a stored curve. */
const AFTER_SECONDS = 30 * 60;

/** @param span of the picture. Null: it follows from the marks */
function marksOf(
  { incident, effects, signals = [], decisions = [] }: Shown,
  health: HealthRead | null,
  span: Pick<Plot, 'from' | 'until'> | null,
): Mark[] {
  const evidence = health?.evidence;
  const last = span?.until ?? plusSeconds(evidence?.at ?? incident.opened_at, AFTER_SECONDS);
  const rollbacks = effects.filter(
    ({ kind, state }) => kind === 'roll-back' && (state === 'succeeded' || state === 'accepted'),
  );
  const problems = problemsOf(incident);
  // What ended by itself has no mitigation whose effect was measured.
  const verifiedAt = closedAsOf(incident) === 'verified' ? incident.resolved_at : null;
  const recovered = problems.flatMap(({ until, recovered_at: at }) => at ?? (until === null ? (verifiedAt ?? []) : []));
  const redeployed = problems.flatMap(({ mitigation }) =>
    mitigation?.change === undefined ? [] : (mitigation.at ?? []),
  );
  const ofCauses = unique((health === null ? [] : [health, ...health.earlier]).flatMap((read) => marksOfCause(read)));
  return [
    ...ofCauses,
    ...furtherAlerts(signals, ofCauses),
    ...rollbacks.map((effect): Mark => ({ kind: 'rollback', at: effect.at, label: rollbackLabel(effect, decisions) })),
    ...redeployed.map((at) => ({ kind: 'rollback', at, label: 'earlier version deployed again' }) as const),
    ...recovered.map((at) => ({ kind: 'recovered', at, label: 'recovered' }) as const),
  ]
    .filter(({ at }) => at <= last && (span === null || at >= span.from))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

/** Marks the alerts that no judgement is about: the first one of each minute. */
function furtherAlerts(signals: NonNullable<Shown['signals']>, marked: readonly Mark[]): Mark[] {
  const minuteOf = (at: Timestamp): string => at.slice(0, 16);
  const known = marked.filter(({ kind }) => kind === 'alert');
  const starts = signals.map(({ startsAt }) => startsAt).toSorted();
  const further = new Map(starts.toReversed().map((at) => [minuteOf(at), at]));
  for (const { at } of known) further.delete(minuteOf(at));
  return [...further.values()]
    .toSorted()
    .slice(0, ALERTS_MARKED)
    .map((at, n) => ({ kind: 'alert', at, label: known.length === 0 && n === 0 ? 'alert' : 'another alert' }));
}

/** Drops marks of one problem that another one has as well, such as of a deploy between them. */
const unique = (marks: readonly Mark[]): Mark[] => [
  ...new Map(marks.map((mark) => [`${mark.kind} ${mark.at}`, mark])).values(),
];

function marksOfCause({ evidence, decision, problem }: JudgedHealth): Mark[] {
  const onset = measuredOnset(problem, evidence);
  const oldest = plusSeconds(onset.earliest, -2 * 3600);
  const changes = evidence.changes
    // A rollback that Firebreak made has a mark of its own.
    .filter(({ relation, change }) => relation === 'same' && change.started_at >= oldest && change.made_for === null)
    .map(({ change }) => change)
    .toSorted((a, b) => Number(a.version === decision.from_version) - Number(b.version === decision.from_version))
    .slice(-CHANGES_MARKED);
  return [
    ...changes.flatMap(marksOfChange),
    // Of a problem that was measured only, it is no alert that began then. Of what a person declared or reopened, nothing is known.
    ...(evidence.onset.alertReceivedAt === undefined && onset.from === 'alert'
      ? []
      : [{ kind: 'onset', at: onset.at, from: onset.earliest, until: onset.latest, label: 'onset' } as const]),
    ...(evidence.onset.alertReceivedAt === undefined
      ? []
      : [{ kind: 'alert', at: evidence.onset.alertStartedAt, label: 'alert' } as const]),
  ];
}
