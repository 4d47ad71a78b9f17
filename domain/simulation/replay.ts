import type { Config } from '../../schemas/config/config.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { RecordedAlert, RecordedIncident } from '../../schemas/simulation/recording.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { manyOpened, type Opening } from '../incidents/incident-group.ts';
import { isQuietTrial } from '../automation/shadow-trial.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { freezeOf } from './freezes.ts';
import { type Batch, batchesOf, openedAnyway, openedBy } from './opening.ts';
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
  const taken = new Set<Candidate>();
  const openings = new Openings();
  const earlier = new Map<IncidentId, Batch>();
  for (const incident of ordered) {
    const opened =
      incident.opened_by === 'alerts'
        ? (batchesOf(incident.signals)
            .map((batch) => openedBy(incident.id, batch, policy, incident.unmatched === ''))
            .find((found) => found !== null) ?? null)
        : openedAnyway(incident);
    if (opened === null) continue;
    const at = opened.incident.opened_at;
    const before = candidates.find(
      (one) =>
        !taken.has(one) && one.scope === opened.scope && one.batch.at < at && (one.until === null || one.until >= at),
    );
    for (const one of candidates)
      if (
        one.scope === opened.scope &&
        one.batch.at >= (before ?? { batch: { at } }).batch.at &&
        isDuring(one, incident)
      )
        taken.add(one);
    if (before !== undefined && incident.opened_by === 'alerts') earlier.set(incident.id, before.batch);
    const { service, environment, unmatched } = opened.incident;
    openings.add({ id: incident.id, at: before?.batch.at ?? at, scope: opened.scope, service, environment, unmatched });
  }
  const pace = new Pace();
  const outcomes: Outcome[] = [];
  for (const incident of ordered) {
    const outcome = replayIncident(incident, policy, {
      pace: (at, target) => pace.changeAt(at, target),
      oneOfMany: (opened, at) => manyOpened(opened, openings.near(opened.opened_at, at), policy.routes.manyAtOnce),
      earlier: earlier.get(incident.id),
    });
    pace.add(incident, outcome);
    outcomes.push(outcome);
  }
  const apart = openedApart(
    candidates.filter((one) => !taken.has(one)),
    policy,
  );
  return [...outcomes, ...apart].toSorted((a, b) => {
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
    const opened = openedBy(apartId(recorded, at), batch, policy);
    const next = starts[index + 1];
    return opened === null ? [] : [{ batch, scope: opened.scope, until: next ?? signal.ends_at, recorded }];
  });
}

const isDuring = ({ batch }: Candidate, { opened_at: from, resolved_at: to }: RecordedIncident): boolean =>
  batch.at <= (to ?? batch.at) || batch.at < from;

const apartId = ({ signal }: RecordedAlert, at: Timestamp): IncidentId =>
  `${at} ${signal.source}:${signal.fingerprint}` as IncidentId;

/** Returns incidents that only the policy opens. Alerts of one scope join while one of them may still fire. */
function openedApart(candidates: readonly Candidate[], policy: Config): Outcome[] {
  const outcomes: Outcome[] = [];
  const open = new Map<string, Timestamp | null>();
  for (const one of candidates) {
    const until = open.get(one.scope);
    if (until === null || (until !== undefined && until > one.batch.at)) {
      open.set(one.scope, until === null || one.until === null ? null : one.until > until ? one.until : until);
      continue;
    }
    open.set(one.scope, one.until);
    const opened = openedBy(apartId(one.recorded, one.batch.at), one.batch, policy);
    if (opened === null) continue;
    const { incident, channels } = opened;
    const pages = incident.page === true && !isQuietTrial(incident, policy, 'page');
    const team = serviceEntry(policy.services, incident.service)?.team ?? incident.service;
    outcomes.push({
      id: null,
      key: apartId(one.recorded, one.batch.at),
      service: incident.service,
      environment: incident.environment,
      title: incident.title,
      opened_at: incident.opened_at,
      pages: pages ? [{ at: incident.opened_at, to: `on call for ${team}` }] : [],
      decisions: [],
      runbooks: [],
      channels,
      freeze: freezeOf(incident, one.until, policy),
      known_until: incident.opened_at,
      unknown: ['cannot be known: the decision, because no evidence was collected for this alert'],
    });
  }
  return outcomes;
}

/** Values by the hour of their time, since all that is asked about them is what happened within an hour. */
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
    return this.#all.between(millisOf(from), millisOf(until)).filter((one) => one.at > from && one.at <= until);
  }
}

type Change = { at: number; service: string; environment: string; by: number };

/** Counts automatic rollbacks that a policy adds to the recorded ones, or removes. */
class Pace {
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
      .filter((one) => one.at <= now && one.at > now - HOUR_MS)
      .filter((one) => target === null || (one.service === target.service && one.environment === target.environment))
      .reduce((sum, { by }) => sum + by, 0);
  }
}
