import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { RecordedAlert, RecordedIncident } from '../recording.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { manyOpened, type Opening } from '../../../core/domain/incidents/incident-group.ts';
import { isQuietTrial } from '../../../core/domain/automation/shadow-trial.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { freezeOf } from './freezes.ts';
import { type Batch, batchesOf, openingAsRecorded, openingBy } from './opening.ts';
import type { Outcome } from './outcome.ts';
import { replayIncident } from './replay-incident.ts';

/** What was recorded in a period. */
export type Recorded = { incidents: readonly RecordedIncident[]; alerts: readonly RecordedAlert[] };

/** An alert without an incident that opens one under the policy. `until`: it may fire until then; null: it still fires. */
type Candidate = { batch: Batch; scope: string; until: Timestamp | null; recorded: RecordedAlert };

const HOUR_SECONDS = 3600;
const HOUR_MS = HOUR_SECONDS * 1000;

/** Replays a recorded period under a policy, oldest incident first. Pure. */
export function replay({ incidents, alerts }: Recorded, policy: Config): Outcome[] {
  const ordered = incidents.toSorted((a, b) =>
    a.opened_at < b.opened_at ? -1 : a.opened_at > b.opened_at ? 1 : a.id < b.id ? -1 : 1,
  );
  const candidates = alerts.flatMap((alert) => candidatesOf(alert, policy)).toSorted(byTime);
  const joined = new Set<Candidate>();
  const openings = new Openings();
  const earlier = new Map<IncidentId, Batch>();
  for (const incident of ordered) {
    const opened =
      incident.opened_by === 'alerts'
        ? (batchesOf(incident.signals)
            .map((batch) => openingBy(incident.id, batch, policy, incident.unmatched === ''))
            .find((found) => found !== null) ?? null)
        : openingAsRecorded(incident);
    if (opened === null) continue;
    const at = opened.incident.opened_at;
    const firstCandidate = candidates.find(
      (candidate) =>
        !joined.has(candidate) &&
        candidate.scope === opened.scope &&
        candidate.batch.at < at &&
        (candidate.until === null || candidate.until >= at),
    );
    for (const candidate of candidates)
      if (
        candidate.scope === opened.scope &&
        candidate.batch.at >= (firstCandidate ?? { batch: { at } }).batch.at &&
        isDuring(candidate, incident)
      )
        joined.add(candidate);
    if (firstCandidate !== undefined && incident.opened_by === 'alerts') earlier.set(incident.id, firstCandidate.batch);
    const { service, environment, unmatched } = opened.incident;
    openings.add({
      id: incident.id,
      at: firstCandidate?.batch.at ?? at,
      scope: opened.scope,
      service,
      environment,
      unmatched,
    });
  }
  const pace = new RollbackPace();
  const outcomes: Outcome[] = [];
  for (const incident of ordered) {
    const outcome = replayIncident(incident, policy, {
      pace: (at, target) => pace.changeAt(at, target),
      oneOfMany: (opened, at) => openings.near(opened.opened_at, at).some(manyOpened(opened, policy.routes.manyAtOnce)),
      earlier: earlier.get(incident.id),
    });
    pace.add(incident, outcome);
    outcomes.push(outcome);
  }
  const added = openedOnlyByPolicy(
    candidates.filter((candidate) => !joined.has(candidate)),
    policy,
  );
  return [...outcomes, ...added].toSorted((a, b) => {
    const [first, second] = [a.opened_at ?? '', b.opened_at ?? ''];
    return first < second ? -1 : first > second ? 1 : a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  });
}

const byTime = (a: Candidate, b: Candidate): number =>
  a.batch.at < b.batch.at
    ? -1
    : a.batch.at > b.batch.at
      ? 1
      : a.recorded.signal.episode < b.recorded.signal.episode
        ? -1
        : 1;

/** Returns the starts of an alert at which it opens an incident. Its newest notification stands for all of them. */
function candidatesOf(recorded: RecordedAlert, policy: Config): Candidate[] {
  const { signal, fired_at: firedAt } = recorded;
  const starts = firedAt.length > 0 ? firedAt.toSorted() : [signal.at];
  return starts.flatMap((at, index) => {
    const received = { ...signal, at, received_at: at };
    const batch = { at, signals: [received] };
    const opened = openingBy(newIncidentId(recorded, at), batch, policy);
    const next = starts[index + 1];
    return opened === null ? [] : [{ batch, scope: opened.scope, until: next ?? signal.ends_at, recorded }];
  });
}

const isDuring = ({ batch }: Candidate, { opened_at: from, resolved_at: to }: RecordedIncident): boolean =>
  batch.at <= (to ?? batch.at) || batch.at < from;

const newIncidentId = ({ signal }: RecordedAlert, at: Timestamp): IncidentId =>
  `${at} ${signal.source}:${signal.fingerprint}` as IncidentId;

/** Returns incidents that only the policy opens. Alerts of one scope join while one of them may still fire. */
function openedOnlyByPolicy(candidates: readonly Candidate[], policy: Config): Outcome[] {
  const outcomes: Outcome[] = [];
  const open = new Map<string, Timestamp | null>();
  for (const candidate of candidates) {
    const until = open.get(candidate.scope);
    if (until === null || (until !== undefined && until > candidate.batch.at)) {
      open.set(
        candidate.scope,
        until === null || candidate.until === null ? null : candidate.until > until ? candidate.until : until,
      );
      continue;
    }
    open.set(candidate.scope, candidate.until);
    const opened = openingBy(newIncidentId(candidate.recorded, candidate.batch.at), candidate.batch, policy);
    if (opened === null) continue;
    const { incident, channels } = opened;
    const pages = incident.page === true && !isQuietTrial(incident, policy, 'page');
    const team = serviceEntry(policy.services, incident.service)?.team ?? incident.service;
    outcomes.push({
      id: null,
      key: newIncidentId(candidate.recorded, candidate.batch.at),
      service: incident.service,
      environment: incident.environment,
      title: incident.title,
      opened_at: incident.opened_at,
      pages: pages ? [{ at: incident.opened_at, recipient: `on call for ${team}` }] : [],
      decisions: [],
      runbooks: [],
      channels,
      freeze: freezeOf(incident, candidate.until, policy),
      known_until: incident.opened_at,
      unknown: ['cannot be known: the decision, because no evidence was collected for this alert'],
    });
  }
  return outcomes;
}

/** Values indexed by hour, because all queries cover about one hour. */
class ByHour<T> {
  readonly #hours = new Map<number, T[]>();

  add(at: number, value: T): void {
    const hour = Math.floor(at / HOUR_MS);
    const values = this.#hours.get(hour) ?? [];
    values.push(value);
    this.#hours.set(hour, values);
  }

  /** Returns the values of the hours between two times, in milliseconds, and those around them in the same hours. */
  between(from: number, to: number): T[] {
    const found: T[] = [];
    for (let hour = Math.floor(from / HOUR_MS); hour <= Math.floor(to / HOUR_MS); hour++)
      found.push(...(this.#hours.get(hour) ?? []));
    return found;
  }
}

/** Openings by time. */
class Openings {
  readonly #all = new ByHour<Opening>();

  add(opening: Opening): void {
    this.#all.add(millisOf(opening.at), opening);
  }

  /** Returns the openings in the hour around a time that were known at `until`. */
  near(at: Timestamp, until: Timestamp): Opening[] {
    const from = plusSeconds(at, -HOUR_SECONDS);
    return this.#all
      .between(millisOf(from), millisOf(until))
      .filter((opening) => opening.at > from && opening.at <= until);
  }
}

type Change = { at: number; service: string; environment: string; by: number };

/** Counts automatic rollbacks that a policy adds to the recorded ones, or removes. */
class RollbackPace {
  readonly #changes = new ByHour<Change>();

  add({ decisions }: RecordedIncident, outcome: Outcome): void {
    for (const decision of outcome.decisions) {
      const stored = decisions.find(({ number }) => number === decision.number);
      const by = Number(decision.kind === 'roll_back') - Number(stored?.kind === 'roll_back');
      const { service, environment } = outcome;
      const at = millisOf(decision.at);
      if (by !== 0) this.#changes.add(at, { at, service, environment, by });
    }
  }

  changeAt(at: Timestamp, target: ServiceEnvironment | null): number {
    const now = millisOf(at);
    return this.#changes
      .between(now - HOUR_MS, now)
      .filter((change) => change.at <= now && change.at > now - HOUR_MS)
      .filter(
        (change) => target === null || (change.service === target.service && change.environment === target.environment),
      )
      .reduce((sum, { by }) => sum + by, 0);
  }
}
