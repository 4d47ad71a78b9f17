import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Freeze } from '../../freeze/schemas/freeze.ts';
import {
  type DecisionView,
  type Effect,
  type IncidentRecord,
  NOBODY_OBJECTED,
} from '../../../schemas/incidents/incident.ts';
import type { CountedSection, TeamDigest, ToilRow } from '../digest.ts';
import { type ToilMinutes, ToilTask } from '../toil.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { NoisyAlert } from '../../../core/domain/alerts/noisy-alerts.ts';
import type { StoredActionItem } from '../../../core/domain/ports/action-items.ts';
import type { DigestSection } from '../../../core/domain/ports/extensions.ts';
import { median } from '../../../core/domain/reports/quantiles.ts';
import { scopeInWords } from '../../freeze/decisions/words.ts';
import { closedAsOf, endsUnshown } from '../../../core/domain/incidents/closing.ts';
import { isRated, restoreSeconds } from '../../../core/domain/incidents/figures.ts';
import { isSentPage } from '../../../core/domain/paging/pages.ts';
import { decisionOf, evidenceNameOf } from '../../../core/domain/incidents/evidence-name.ts';

const DAY_SECONDS = 86_400;
export const WEEK_SECONDS = 7 * DAY_SECONDS;
/** Weeks of the trend, with the one that the digest covers. */
export const TREND_WEEKS = 4;

/** What Firebreak did in one incident. `runs`: the person who started each run of a runbook; absent: alerts did. */
export type DoneInIncident = {
  incident: IncidentRecord;
  effects: readonly Effect[];
  decisions: readonly DecisionView[];
  runs: ReadonlyMap<number, { by: string | undefined }>;
};

/** All records that a digest counts, already limited to the team and to what the reader may see. */
export type DigestRecords = {
  team: string | null;
  until: Timestamp;
  environments: readonly string[];
  /** The sections for which there were too many records to read all of them. */
  incomplete: readonly CountedSection[];
  /** Incidents of the last four weeks, newest first. */
  incidents: readonly IncidentRecord[];
  /** Tasks that were done in the incidents that opened in the last seven days. */
  tasks: readonly DoneTask[];
  /** Rollbacks of the last seven days that Firebreak did not do. */
  rollbacksOutside: number;
  /** `spent`: share of the budget that the errors of the last seven days are; null: unknown. */
  budgets: readonly { status: SloStatus; spent: number | null }[];
  freezes: readonly Freeze[];
  noisy: { days: number; items: readonly NoisyAlert[] };
  overdue: readonly StoredActionItem[];
  /** Sections that other features add. */
  ofFeatures: readonly DigestSection[];
};

/** Computes the digest of the week that ends at `until`. All outputs show these numbers. */
export function teamDigest(records: DigestRecords, toilMinutes: ToilMinutes): TeamDigest {
  const { team, until, environments, incomplete, noisy, ofFeatures } = records;
  const from = plusSeconds(until, -WEEK_SECONDS);
  const weeks = Array.from({ length: TREND_WEEKS }, (_, n) => weekBefore(until, TREND_WEEKS - 1 - n));
  return {
    team,
    window: { from, until },
    environments: [...environments],
    complete: incomplete.length === 0,
    incomplete: [...incomplete],
    incidents: incidentsOf(records, from),
    restore: weeks.map((trendWeek) => {
      const restored = records.incidents
        .filter((one) => isWithin(one.opened_at, trendWeek) && isRated(one))
        .map(restoreSeconds)
        .filter((seconds) => seconds !== null);
      return { ...trendWeek, incidents: restored.length, median_s: median(restored) };
    }),
    budgets: budgetsOf(records),
    freezes: freezesOf(records.freezes, { from, until }),
    toil: toilOf(records, toilMinutes),
    noisy: {
      days: noisy.days,
      items: noisy.items.map(({ lastAt: _last, acknowledged: _acknowledged, ...alert }) => alert),
    },
    overdue: records.overdue
      .map(({ id, incident_id, experiment_id, service, environment, title, owner, due, priority }) => ({
        id,
        incident_id,
        experiment_id,
        service,
        environment,
        title,
        owner,
        due,
        priority,
      }))
      .toSorted((a, b) => order(a.due ?? '', b.due ?? '') || order(a.id, b.id)),
    ofFeatures: [...ofFeatures],
  };
}

type Window = { from: Timestamp; until: Timestamp };

/** @param back number of weeks before the last one */
const weekBefore = (until: Timestamp, back: number): Window => ({
  from: plusSeconds(until, -(back + 1) * WEEK_SECONDS),
  until: plusSeconds(until, -back * WEEK_SECONDS),
});

/** A window contains its end but not its start, so that no instant belongs to two weeks. */
const isWithin = (at: Timestamp, { from, until }: Window): boolean => at > from && at <= until;

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function incidentsOf({ incidents }: DigestRecords, from: Timestamp): TeamDigest['incidents'] {
  const items = incidents
    .filter(({ opened_at: at }) => at > from)
    .map((incident) => {
      const { id, number = null, service, environment, title, severity, opened_at } = incident;
      return {
        id,
        number,
        service,
        environment,
        title,
        severity,
        opened_at,
        closed_as: closedAsOf(incident),
        restore_s: restoreSeconds(incident),
      };
    });
  const count = (severity: IncidentRecord['severity']) =>
    items.filter((incident) => incident.severity === severity).length;
  return {
    opened: items.length,
    by_severity: { critical: count('critical'), warning: count('warning'), info: count('info') },
    open: items.filter(({ closed_as }) => closed_as === null).length,
    unverified: items.filter(endsUnshown).length,
    items,
  };
}

const budgetsOf = ({ budgets }: DigestRecords): TeamDigest['budgets'] =>
  budgets
    .map(({ status: { id, service, environment, budget, burning, corrected }, spent }) => ({
      slo: id,
      service,
      environment,
      remaining: budget.remaining,
      corrected:
        corrected == null
          ? null
          : { corrections: corrected.count, uncorrected_remaining: corrected.uncorrected.budget.remaining },
      spent,
      burning: burning.length > 0,
    }))
    .toSorted((a, b) => (a.remaining ?? Infinity) - (b.remaining ?? Infinity) || order(a.slo, b.slo));

function freezesOf(freezes: readonly Freeze[], { from, until }: Window): TeamDigest['freezes'] {
  const spans = freezes.flatMap((freeze) => {
    const ends = [freeze.ended_at, freeze.until].filter((at) => at !== null).toSorted(order);
    const end = ends[0] ?? null;
    const [start, last] = [later(freeze.starts_at, from), end === null || end > until ? until : end];
    return last < start || freeze.starts_at > until || (end !== null && end <= from)
      ? []
      : [{ freeze, end, start, last }];
  });
  const items = spans
    .map(({ freeze, end, start, last }) => ({
      id: freeze.id,
      cause: freeze.cause,
      scope: scopeInWords(freeze),
      reason: freeze.reason,
      starts_at: freeze.starts_at,
      ended_at: end !== null && end <= until ? end : null,
      seconds: secondsBetween(start, last),
    }))
    .toSorted((a, b) => order(b.starts_at, a.starts_at) || order(a.id, b.id));
  let [seconds, covered] = [0, from];
  for (const { start, last } of spans.toSorted((a, b) => order(a.start, b.start))) {
    if (last <= covered) continue;
    seconds += secondsBetween(later(start, covered), last);
    covered = last;
  }
  return { began: items.filter(({ starts_at: at }) => at > from).length, seconds, items };
}

const later = (a: Timestamp, b: Timestamp): Timestamp => (a > b ? a : b);

/** A task of incident response that was done. `isSimulated`: by a call to a stand-in of the sandbox. */
export type DoneTask = { task: ToilTask; isAutomatic: boolean; isSimulated: boolean; incident: IncidentId };

/** Counts what Firebreak did, and whether a person had a part in it. Tasks in the sandbox save nobody time. */
function toilOf({ tasks: found, rollbacksOutside }: DigestRecords, minutes: ToilMinutes): TeamDigest['toil'] {
  const all = found.filter(({ isSimulated }) => !isSimulated);
  const tasks = ToilTask.options.map((task): ToilRow => {
    const done = all.filter((doneTask) => doneTask.task === task);
    const automatic = done.filter(({ isAutomatic }) => isAutomatic);
    const withPerson = done.length - automatic.length + (task === 'rollback' ? rollbacksOutside : 0);
    const byPeople = task === 'rollback' || task === 'runbookStep' ? withPerson : null;
    const each = minutes[task] ?? null;
    return {
      task,
      automatic: automatic.length,
      by_people: byPeople,
      minutes_each: each,
      saved_minutes: each === null ? null : each * automatic.length,
      spent_minutes: each === null || byPeople === null ? null : each * byPeople,
      incidents: [...new Set(automatic.map(({ incident }) => incident))],
    };
  });
  return {
    tasks,
    saved_minutes: sumOf(tasks, 'saved_minutes'),
    spent_minutes: sumOf(tasks, 'spent_minutes'),
    simulated: found.length - all.length,
  };
}

function sumOf(rows: readonly ToilRow[], field: 'saved_minutes' | 'spent_minutes'): number | null {
  const known = rows.map((row) => row[field]).filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** Returns the tasks that were done in an incident. */
export function tasksIn({ incident, effects, decisions, runs }: DoneInIncident): DoneTask[] {
  const done = effects.filter(({ state }) => state === 'succeeded');
  const all = done.flatMap((effect): DoneTask[] => {
    const doneTask = (task: ToilTask, isAutomatic: boolean): DoneTask[] => [
      { task, isAutomatic, isSimulated: effect.stand_in === true, incident: incident.id },
    ];
    const name = evidenceNameOf(incident.id, effect.key);
    const [, run] = /^runbook\.(\d+)\./.exec(name) ?? [];
    if (isSentPage(effect)) return doneTask('page', true);
    if (run !== undefined) return doneTask('runbookStep', runs.get(Number(run))?.by === undefined);
    if (!/^roll-back\.\d+$/.test(name)) return [];
    return doneTask('rollback', isAutomatic(decisionOf(decisions, name, effect.at)));
  });
  const isSimulated = incident.channel_stand_in === true;
  return incident.channel_opened_at === undefined
    ? all
    : [...all, { task: 'channel', isAutomatic: true, isSimulated, incident: incident.id }];
}

/** Returns whether Firebreak acted without a request and without an approval. */
const isAutomatic = (decision: DecisionView | undefined): boolean =>
  decision !== undefined &&
  decision.because !== 'requested_by_person' &&
  (decision.answered_by === null || decision.answered_by === NOBODY_OBJECTED) &&
  decision.approvals.given.length === 0;
