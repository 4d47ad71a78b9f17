import type { Curve, Evidence, Failing, Relation } from '../../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { ChangeId, EnvironmentName, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { InstantIn, millisOf, plusSeconds, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import type { Label, Question } from '../case.ts';
import { random, seedOf } from '../random.ts';

/** A public incident in the form in which the product would have seen it. */
export type Replay = Question & {
  title: string;
  source: {
    title: string;
    publisher: string;
    /** Publication date: a day or a month. */ date: string;
    url: string;
  };
  /** Facts from the source that are used. */
  facts: readonly string[];
  /** Assumptions that complete the data. */
  assumed: readonly string[];
  label: Label;
  /** Reason for the label. */
  why: string;
};

/** A time of the incident's day, UTC: `13:42` or `13:42:30`. */
type Clock = string;

export type IncidentAccount = {
  id: string;
  /** UTC, e.g. `2019-07-02`. */
  day: string;
  service: string;
  alert: { at: Clock; forSeconds: number; intervalSeconds: number };
  /** Time of the product's decision. */
  at: Clock;
  /** Share of failing requests: linear between the points, constant before the first and after the last. */
  errors: { max: number; points: readonly (readonly [Clock, number])[] };
  /** Requests as a multiple of the usual rate. Absent: unknown. */
  traffic?: readonly (readonly [Clock, number])[];
  /** The first one is the cause, if the label names one. */
  changes?: readonly ReportedChange[];
  failing?: readonly { service: string; since: Clock; relation: Failing['relation'] }[];
  /** Levels by version since the errors began, and shares of the traffic. */
  versions?: readonly { version: string; value: number; share: number }[];
};

type ReportedChange = {
  service: string;
  relation: Relation;
  kind: Change['kind'];
  version: string;
  startedAt: Clock;
  /** Null: in progress. */
  finishedAt: Clock | null;
  canaryWeight?: number;
};

const ENVIRONMENT = 'production' as EnvironmentName;
const LOOK_BACK = 7200;
const STEP = 30;
const REQUESTS_PER_SECOND = 1000;
const DISTANCE: Record<Relation, number> = { same: 0, dependency: 1, shared: 1, caller: 1, undeclared: 1 };

/** Returns the id of the change at `index` of an incident. */
export const changeId = (id: string, index: number): ChangeId => `chg_${random(seedOf(id, index)).hex(26)}` as ChangeId;

export function questionOf(account: IncidentAccount): Question {
  const time = (clock: Clock): Timestamp =>
    InstantIn.parse(`${account.day}T${clock.length === 5 ? `${clock}:00` : clock}Z`);
  const at = time(account.at);
  const curve = drawn(account.errors.points, time, at);
  const alertStartedAt = time(account.alert.at);
  const evidence: Evidence = {
    incident_id: account.id,
    service: account.service,
    environment: ENVIRONMENT,
    at,
    onset: {
      alertStartedAt,
      rule: { forSeconds: account.alert.forSeconds, intervalSeconds: account.alert.intervalSeconds },
    },
    changes: (account.changes ?? []).map((change, index) => ({
      change: recorded(account, change, changeId(account.id, index), time),
      relation: change.relation,
      distance: DISTANCE[change.relation],
    })),
    health: { max: account.errors.max, curve },
    traffic: account.traffic ? scaled(drawn(account.traffic, time, at), REQUESTS_PER_SECOND) : null,
    by_version: account.versions?.map((one) => versionCurve(one, curve, account.errors.max)) ?? null,
    alert_versions: [],
    failing: (account.failing ?? []).map(({ service, since, relation }) => ({
      service,
      since: time(since),
      relation,
      changed_at: null,
    })),
  };
  return {
    id: account.id,
    evidence,
    history: [lastGood(account, at)],
    policy: { mode: 'act', unknownMigration: 'approve' },
  };
}

/** Returns samples of the two hours before `at`. */
function drawn(points: IncidentAccount['errors']['points'], time: (clock: Clock) => Timestamp, at: Timestamp): Curve {
  const known = points.map(([clock, value]) => [millisOf(time(clock)), value] as const);
  return Array.from({ length: LOOK_BACK / STEP + 1 }, (_, index) => {
    const sample = plusSeconds(at, index * STEP - LOOK_BACK);
    return [sample, between(known, millisOf(sample))] as const;
  });
}

function between(points: readonly (readonly [number, number])[], at: number): number {
  const after = points.findIndex(([time]) => time > at);
  const [next, last] = [points[after], points[after === -1 ? points.length - 1 : after - 1]];
  if (last === undefined) return next?.[1] ?? 0;
  return next === undefined ? last[1] : last[1] + ((next[1] - last[1]) * (at - last[0])) / (next[0] - last[0]);
}

const scaled = (curve: Curve, times: number): Curve => curve.map(([at, value]) => [at, value * times]);

/** A version's curve: its level while errors are above the limit, and the usual level before. */
function versionCurve(
  { version, value, share }: NonNullable<IncidentAccount['versions']>[number],
  curve: Curve,
  max: number,
): NonNullable<Evidence['by_version']>[number] {
  return {
    version,
    curve: curve.map(([at, level]) => [at, level > max ? value : Math.min(value, level)] as const),
    traffic: curve.map(([at]) => [at, share * REQUESTS_PER_SECOND] as const),
  };
}

function recorded(
  account: IncidentAccount,
  { service, kind, version, startedAt, finishedAt, canaryWeight }: ReportedChange,
  id: ChangeId,
  time: (clock: Clock) => Timestamp,
): Change {
  const finished = finishedAt === null ? null : time(finishedAt);
  const running = finished === null || finished > time(account.at);
  return {
    ...blank,
    id,
    service: service as ServiceName,
    version: version as Version,
    kind,
    status: running ? 'started' : 'succeeded',
    started_at: time(startedAt),
    finished_at: running ? null : finished,
    canary_weight: canaryWeight ?? null,
    recorded_at: time(startedAt),
  };
}

const blank = {
  environment: ENVIRONMENT,
  commit: null,
  committed_at: null,
  commits: [],
  author: null,
  url: null,
  has_migration: false,
  rollback_safe_to: null,
  previous_version: null,
  canary_weight: null,
  rolled_back_by: null,
  made_for: null,
};

/** A deploy of the service three days before, as a rollback target. Assumed in every replay. */
function lastGood(account: IncidentAccount, at: Timestamp): Change {
  const started = timestamp(millisOf(at) - 3 * 86_400_000);
  return {
    ...blank,
    id: changeId(account.id, -1),
    service: account.service as ServiceName,
    version: 'last-good' as Version,
    kind: 'deploy',
    status: 'succeeded',
    started_at: started,
    finished_at: plusSeconds(started, 300),
    recorded_at: started,
  };
}

/** Assumptions of every replay, because sources never contain them: error ratios, the alert rule, and the earlier good deploy. */
export const ALWAYS_ASSUMED = [
  'error ratios between the points in time that the source gives, and the usual ratio before',
  'the rule of the alert, and that the decision comes within a minute of it',
  'a deploy three days before that was good',
] as const;

export type Story = Omit<Replay, keyof Question> & { incident: IncidentAccount };

export const replayOf = ({ incident, assumed, ...story }: Story): Replay => ({
  ...story,
  ...questionOf(incident),
  assumed: [...assumed, ...ALWAYS_ASSUMED],
});
