import { namesProblem } from '../../core/domain/alerts/admission.ts';
import { measuredTitle, problemTitle } from '../../core/domain/alerts/incident-title.ts';
import { healthOf } from '../../core/domain/catalogue/health.ts';
import { healthSince, type HealthSince } from '../../core/domain/correlation/recovery.ts';
import {
  CHANGES_SINCE_READ,
  isLaterProblem,
  newOnset,
  newOnsetAfterChange,
  newOnsetText,
  RECOVERY_SECONDS,
  recovered,
  type UrgentFailure,
} from '../../core/domain/incidents/new-onset.ts';
import { pageKey } from '../../core/domain/paging/pages.ts';
import type { IncidentChange } from '../../core/domain/ports/incidents.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { isSameMitigation, type Mitigation, VERIFICATION_SECONDS } from '../../core/domain/rollback/verdict.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { clockText, plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { HEALTH_STEP_SECONDS, healthSamples } from './health-now.ts';
import { driftOf, type RollbackOrder } from './roll-back.ts';

/** Seconds between two looks at health during verification. */
const LOOK_SECONDS = 60;

/** `unmeasured`: health is not measured, so no later look would see more. */
type Look = 'measured' | 'unmeasured';

/** Times of the checks whether a rollback still holds, in seconds of the verification window. */
const HOLD_CHECKS_SECONDS: readonly number[] = [60, 180, 420, VERIFICATION_SECONDS];

/**
 * Waits for the end of the verification window. Looks at health each minute, if it is measured, and checks whether the rollback
 * still holds.
 *
 * @param watched.order the rollback. Null: its target does not report whether it holds
 * @param watched.passedSeconds part of the window that has passed in earlier runs of the workflow
 * @returns what has undone the rollback within the window. Null: nothing
 */
export async function awaitVerdict(
  run: Run,
  {
    incidentId,
    mitigation,
    order,
    passedSeconds,
  }: { incidentId: IncidentId; mitigation: Mitigation; order: RollbackOrder | null; passedSeconds: number },
  deps: Deps,
): Promise<string | null> {
  const checks = order === null ? [] : HOLD_CHECKS_SECONDS;
  let passed = passedSeconds;
  let isMeasured = true;
  while (passed < VERIFICATION_SECONDS) {
    const times = [...checks, isMeasured ? passed + LOOK_SECONDS : VERIFICATION_SECONDS, VERIFICATION_SECONDS];
    const next = Math.min(...times.filter((seconds) => seconds > passed));
    await run.wait('verification-window', { seconds: next - passed });
    passed = next;
    if (order !== null && checks.includes(passed)) {
      const drifted = await run.step('check-held', () => driftOf(deps, order));
      if (drifted !== null) return drifted;
    }
    if (!isMeasured) continue;
    const isLast = passed === VERIFICATION_SECONDS;
    const look = await run.step('look-at-health', () => lookAtHealth(deps, incidentId, mitigation, isLast));
    isMeasured = look === 'measured';
  }
  return null;
}

/**
 * Looks at health during the verification of a mitigation. Records that its problem is over and, after that, a new onset, which
 * is judged at once. Safe to repeat.
 *
 * @param isLast the verdict follows: any bad sample after the recovery is a new onset, for which the mitigation is not to blame
 */
async function lookAtHealth(deps: Deps, id: IncidentId, mitigation: Mitigation, isLast: boolean): Promise<Look> {
  const incident = await deps.incidents.read(id);
  if (incident?.verifying === undefined || incident.status === 'resolved') return 'unmeasured';
  if (!isSameMitigation(incident.verifying, mitigation)) return 'unmeasured';
  const isLater = isLaterProblem(incident);
  const since = await measuredSince(deps, incident, beginOf(incident));
  if (since === null) return 'unmeasured';
  const { recoveredAt, failingSince, againSince } = since;
  const recoverySeconds = RECOVERY_SECONDS / deps.timeScale;
  const { number, runbook, change: redeploy } = mitigation;
  const of =
    runbook !== undefined ? `runbook-${runbook}` : redeploy !== undefined ? `redeploy-${redeploy}` : `${number}`;
  if (isLater) {
    await endsLater(deps, incident, since, `recovered-${of}-later-${incident.new_onset?.seq}`);
    return 'measured';
  }
  const pages = incident.page ?? incident.severity === 'critical';
  if (recoveredAt === null) {
    if (againSince !== null) {
      const title = await titleSince(deps, incident, againSince);
      await failsAfterChange(deps, incident, { since: againSince, pages, title });
    }
    return 'measured';
  }
  if (failingSince !== null && (failingSince.lasts || isLast)) {
    const needsPage = pages && !(await hasPagedAbout(deps, incident, failingSince.at));
    const message = { kind: 'new_onset', judged: incident.mitigations, pages: needsPage } as const;
    const title = await titleSince(deps, incident, recoveredAt);
    const onset = (now: IncidentRecord) =>
      newOnset(now, { since: failingSince.at, recoveredAt, pages: needsPage, title, recoverySeconds });
    await deps.incidents.post(id, message, (now) => noted(onset(now)), `new-onset-${of}`);
    await wake(deps, id);
  } else if (incident.recovered_at === undefined) {
    const change = (now: IncidentRecord) => noted(recovered(now, recoveredAt));
    await deps.incidents.post(id, { kind: 'recovered', number }, change, `recovered-${of}`);
    await wake(deps, id);
  } else await endsLater(deps, incident, since, `recovered-${of}`);
  return 'measured';
}

/** Returns the time from which on health shows the end of a problem: its mitigation, or the end of its alerts if that is not after it. */
const beginOf = (incident: IncidentRecord): Timestamp | undefined => {
  const { verifying, recovered_at: told = verifying?.at } = incident;
  return isLaterProblem(incident) ? told : [told, verifying?.at].filter((at) => at !== undefined).toSorted()[0];
};

/** Records the measured end of a problem if health was above its limit after the end of its alerts, which was taken for its end. */
async function endsLater(deps: Deps, incident: IncidentRecord, since: Measured, key: string): Promise<void> {
  const { recovered_at: told, verifying } = incident;
  const { recoveredAt, isAbove } = since;
  if (told === undefined || verifying === undefined || recoveredAt === null || !isAbove(told, recoveredAt)) return;
  // With seconds if the minute is the same.
  const digits = told.slice(0, 16) === recoveredAt.slice(0, 16) ? 19 : 16;
  const clock = (at: Timestamp): string => `${at.slice(11, digits)} UTC`;
  const text = `The problem was not over at ${clock(told)}, although no alert fired: health is within its limit since ${clock(recoveredAt)}`;
  const timeline = { actor: 'firebreak', kind: 'incident.recovered', text, detail: null };
  const change = (now: IncidentRecord) => (now.recovered_at === told ? { recoveredAt, timeline } : {});
  await deps.incidents.post(incident.id, { kind: 'recovered', number: verifying.number }, change, key);
  await wake(deps, incident.id);
}

/**
 * Returns whether an alert had paged about a problem before it was measured as one. A page from before it is about something else.
 *
 * @param since its first sample; it began up to one sample before
 */
async function hasPagedAbout(
  { effects, timeScale }: Deps,
  { id, pages }: IncidentRecord,
  since: Timestamp,
): Promise<boolean> {
  const page = pages === 0 ? undefined : await effects.get(id, pageKey(id, pages));
  const began = plusSeconds(since, -HEALTH_STEP_SECONDS / timeScale);
  return page !== undefined && page.at >= began && page.state !== 'withheld' && page.state !== 'failed';
}

/** Alerts that are read to name a measured problem. */
const SIGNALS_READ = 100;

/** Returns the title of a measured problem: of an alert that has reported it before it was measured, if there is one. */
async function titleSince({ incidents }: Deps, incident: IncidentRecord, since: Timestamp): Promise<string> {
  const { items } = await incidents.signals(incident.id, { limit: SIGNALS_READ });
  const reporting = items.filter(
    (signal) => namesProblem(signal) && signal.mute === undefined && signal.startsAt >= since,
  );
  return problemTitle(reporting) ?? measuredTitle(incident);
}

/** Seconds between two looks at health after a verification that passed. */
const RECHECK_SECONDS = 120;

/**
 * Returns whether an alert that is slow to end keeps an incident open after its verification: it would not fire again, and so hides
 * another problem.
 */
const mayHideAnother = ({ status, verification, firing }: IncidentRecord): boolean =>
  status === 'mitigated' && verification === 'passed' && firing > 0;

/** Returns when to look at health next after a verification that passed. Undefined: it is not looked at. */
export function nextRecheckAt(
  incident: IncidentRecord,
  config: Config,
  { now, timeScale }: { now: Timestamp; timeScale: number },
): Timestamp | undefined {
  const { verifying } = incident;
  if (!mayHideAnother(incident) || verifying?.at === undefined || healthOf(config, incident) === undefined)
    return undefined;
  const interval = RECHECK_SECONDS / timeScale;
  const passed = Math.floor(secondsBetween(verifying.at, now) / interval);
  return plusSeconds(verifying.at, (passed + 1) * interval);
}

/** Looks at health after a verification that passed. Safe to repeat. */
export async function recheckHealth(deps: Deps, id: IncidentId): Promise<void> {
  const incident = await deps.incidents.read(id);
  if (incident?.verifying === undefined || !mayHideAnother(incident)) return;
  await lookAtHealth(deps, id, incident.verifying, false);
}

/** Records that health fails again since a newer change, if there is one: what it replaced had not recovered for long, but is not to blame. */
async function failsAfterChange(deps: Deps, incident: IncidentRecord, failure: UrgentFailure): Promise<void> {
  const changes = await deps.changes.recent(incident, CHANGES_SINCE_READ);
  const onset = (now: IncidentRecord) => newOnsetAfterChange(now, changes, [failure]);
  const change = onset(incident).newOnset?.after_change;
  if (change === undefined) return;
  const { pages } = failure;
  const message = { kind: 'new_onset', judged: incident.mitigations, pages, after_change: change.name } as const;
  await deps.incidents.post(incident.id, message, (now) => noted(onset(now)), `new-onset-after-${change.id}`);
  await wake(deps, incident.id);
}

/** Adds the timeline entry of a change of the problem. */
function noted(change: IncidentChange): IncidentChange {
  const { newOnset: onset, recoveredAt } = change;
  const actor = 'firebreak';
  if (onset !== undefined)
    return {
      ...change,
      timeline: {
        actor,
        kind: 'incident.failing_again',
        text: `Health is above its limit again, since ${clockText(onset.at)}. ${newOnsetText(onset)}`,
        detail: onset,
      },
    };
  return recoveredAt == null
    ? change
    : {
        ...change,
        timeline: {
          actor,
          kind: 'incident.recovered',
          text: `The problem is over: health is within its limit since ${clockText(recoveredAt)}`,
          detail: null,
        },
      };
}

/** `isAbove`: a sample from the first time until the second one is above the limit. */
type Measured = HealthSince & { isAbove: (from: Timestamp, until: Timestamp) => boolean };

/**
 * Measures health since a mitigation, or since the end of the alerts of a later problem. Null: there is no health query, or no
 * Prometheus.
 */
async function measuredSince(
  deps: Deps,
  incident: IncidentRecord,
  begin: Timestamp | undefined,
): Promise<Measured | null> {
  const query = healthOf(await deps.config.current(), incident);
  if (query === undefined || (await deps.metrics.value(query.promql)) === null) return null;
  const sinceAt = begin ?? deps.clock.now();
  const measured = await healthSamples(deps, query, sinceAt);
  const isAbove = (first: Timestamp, until: Timestamp): boolean =>
    measured.health?.curve.some(([time, value]) => time >= first && time < until && value > query.max) === true;
  const mitigatedAt = incident.verifying?.at ?? sinceAt;
  // What is above its limit right before the mitigation was not over before it.
  const since = isAbove(plusSeconds(mitigatedAt, -HEALTH_STEP_SECONDS / deps.timeScale), mitigatedAt)
    ? mitigatedAt
    : sinceAt;
  return { ...healthSince(measured, since, RECOVERY_SECONDS / deps.timeScale), isAbove };
}
