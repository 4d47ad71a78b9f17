import type {
  Curve,
  Evidence,
  Failing,
  RelatedChange,
  VersionSeries,
} from '../../../../core/domain/correlation/evidence.ts';
import { type Change, STEPS_MAX } from '../../../../schemas/changes/change.ts';
import type { EnvironmentName } from '../../../../schemas/config/names.ts';
import { millisOf, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { onsetMillis } from '../observables.ts';
import type { Random } from '../random.ts';
import type { Alarm } from './alerting.ts';
import { type Rollout, shareAt } from './rollout.ts';
import { perSecondAt, ratioAt, SCRAPE, type Telemetry } from './simulate.ts';
import type { WorldChange, World } from './world.ts';

const ENVIRONMENT = 'production' as EnvironmentName;
const LOOK_BACK = 7200;
const STEP = 30;
/** Services that began to fail within this time of the onset count as failing at the same time. */
const TOGETHER_MILLIS = 600_000;

/** Returns the world as the product sees it at the time of its decision. */
export function observe(rng: Random, world: World, telemetry: Telemetry, alarm: Alarm): Evidence {
  const { profile, landscape } = world;
  const at = alarm.lookedAt;
  const onset = onsetOf(world, alarm);
  const times = sampleTimes(world, at);
  const health = profile.known.health
    ? {
        max: profile.limit * profile.unit,
        curve: curve(times, (t) => profile.unit * ratioAt(telemetry, telemetry.all, t, profile.window)),
        window: profile.window,
      }
    : null;
  const began = onsetMillis({ onset, health });
  const changes = changesKnown(world, at, began);
  return {
    incident_id: ulid(rng),
    service: landscape.service.name,
    environment: ENVIRONMENT,
    at: instant(world, at),
    onset,
    changes,
    health,
    traffic: profile.known.traffic
      ? curve(times, (t) => perSecondAt(telemetry, telemetry.all, t, profile.window))
      : null,
    by_version: profile.known.versions
      ? versionCurves(telemetry, times, { ...profile, isTrafficKnown: profile.known.shares })
      : null,
    ...(profile.known.versions && closeVersions(world, telemetry, { at, began, changes })),
    alert_versions: alarm.versions,
    failing: failingNow(world, at, began),
  };
}

/** Converts seconds of the world to timestamps of the monitoring. */
export const instant = ({ epoch }: World, t: number): Timestamp => timestamp(epoch + Math.round(t * 1000));

function onsetOf(world: World, { firedAt }: Alarm): Evidence['onset'] {
  const { rule } = world.profile;
  return {
    alertStartedAt: instant(world, firedAt),
    rule: rule.known ? { forSeconds: rule.forSeconds, intervalSeconds: rule.intervalSeconds } : null,
  };
}

type SampleTimes = readonly (readonly [t: number, at: Timestamp])[];

/** All curves have their samples at the same times. */
function sampleTimes({ epoch }: Pick<World, 'epoch'>, at: number, seconds = LOOK_BACK, step = STEP): SampleTimes {
  const write = writer();
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
    const t = at - seconds + index * step;
    return [t, write(epoch + Math.round(t * 1000))];
  });
}

const DAY = 86_400_000;

/** Formats like `timestamp`, but faster for millions of values: formats the date once per day. */
function writer(): (millis: number) => Timestamp {
  const digits = (value: number, count: number) => String(value).padStart(count, '0');
  let [day, date] = [Number.NaN, ''];
  return (millis) => {
    const ofDay = millis % DAY;
    if (millis - ofDay !== day) {
      day = millis - ofDay;
      date = timestamp(day).slice(0, 'YYYY-MM-DDT'.length);
    }
    const [seconds, rest] = [Math.floor(ofDay / 1000), ofDay % 1000];
    const [hour, minute] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return `${date}${digits(hour, 2)}:${digits(minute, 2)}:${digits(seconds % 60, 2)}.${digits(rest, 3)}Z` as Timestamp;
  };
}

function curve(times: SampleTimes, value: (t: number) => number): Curve {
  const samples: [Timestamp, number][] = [];
  for (const [t, at] of times) {
    const now = value(t);
    if (!Number.isNaN(now)) samples.push([at, now]);
  }
  return samples;
}

/** Window of the closer look, and its step, in seconds: what the product chooses for this scrape interval. */
const CLOSE_WINDOW = 4 * SCRAPE;
const CLOSE_STEP = 15;

/** Seconds of the closer look before the newest deploy and after the onset, and the longest time between both. */
const CLOSE_BEFORE = 600;
const CLOSE_AFTER = 900;
const CLOSE_BETWEEN = 1800;

/** Returns the same curves around the newest deploy over the shortest window, with the traffic that the ratio divides by. */
function closeVersions(
  { epoch, profile: { window, known, unit } }: World,
  telemetry: Telemetry,
  { at, began, changes }: { at: number; began: number; changes: readonly RelatedChange[] },
): Pick<Evidence, 'by_version_close'> {
  const starts = changes
    .filter(({ change, relation }) => relation === 'same' && (change.kind === 'deploy' || change.kind === 'rollback'))
    .map(({ change }) => millisOf(change.started_at))
    .filter((start) => start <= began);
  const start = Math.max(...starts);
  if (began - start > CLOSE_BETWEEN * 1000 || (window <= CLOSE_WINDOW && known.shares)) return {};
  const until = Math.min(at, (began - epoch) / 1000 + CLOSE_AFTER);
  const from = (start - epoch) / 1000 - CLOSE_BEFORE;
  const times = sampleTimes({ epoch }, until, until - from, CLOSE_STEP);
  const versions = versionCurves(telemetry, times, { window: CLOSE_WINDOW, unit, isTrafficKnown: true });
  return { by_version_close: { window: CLOSE_WINDOW, versions } };
}

/** Returns the curves by version. The traffic of each is known only where a query for it is configured. */
function versionCurves(
  telemetry: Telemetry,
  times: SampleTimes,
  { window, unit, isTrafficKnown }: { window: number; unit: number; isTrafficKnown: boolean },
): VersionSeries[] {
  return [...telemetry.versions].flatMap(([version, counters]) => {
    const values = curve(times, (t) => ratioAt(telemetry, counters, t, window) * unit);
    if (values.length === 0) return [];
    return [
      {
        version,
        curve: values,
        traffic: isTrafficKnown ? sinceFirst(curve(times, (t) => perSecondAt(telemetry, counters, t, window))) : null,
      },
    ];
  });
}

/** Returns the curve of requests since the first one: before it, the version has no series. */
function sinceFirst(rates: Curve): Curve {
  const first = rates.find(([, rate]) => rate > 0)?.[0];
  return first === undefined ? [] : rates.filter(([at]) => at >= first);
}

/** Share of the other services with a health query; of the others, only the alerts are known. */
const MEASURED_IN_TEN = 8;

/** Services that fail, as known at the time: by their alerts or, if they have a health query, by their curves. */
function failingNow(world: World, at: number, onset: number): Failing[] {
  const from = onset - world.epoch - TOGETHER_MILLIS;
  return world.failing.flatMap(({ neighbour, since, seenAt }): Failing[] => {
    // Independent of the worlds' random numbers, so that the worlds stay the same.
    const isMeasured = digitOf(neighbour.name + String(world.epoch)) < MEASURED_IN_TEN;
    const departedAt = since + world.profile.window / 3;
    if ((seenAt > at && !(isMeasured && departedAt <= at)) || since * 1000 < from) return [];
    return [
      {
        service: neighbour.name,
        since: instant(world, since),
        relation:
          neighbour.relation === 'dependent' || neighbour.relation === 'unrelated' ? neighbour.relation : 'dependency',
        changed_at: changedNear(world, neighbour.name, since, at),
        ...(isMeasured && {
          measured: { earliest: instant(world, since - STEP), latest: instant(world, departedAt) },
        }),
      },
    ];
  });
}

const digitOf = (text: string): number =>
  [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7) % 10;

/** Returns the newest change of that service in the half hour before it failed. */
function changedNear(world: World, service: string, since: number, at: number): Timestamp | null {
  const change = world.changes.findLast(
    ({ by, startedAt, status }) =>
      by.name === service && status === 'succeeded' && startedAt <= Math.min(at, since) && startedAt >= since - 1800,
  );
  return change === undefined ? null : instant(world, change.startedAt + change.recording.clock);
}

function changesKnown(world: World, at: number, onset: number): RelatedChange[] {
  const from = timestamp(onset - LOOK_BACK * 1000);
  return world.changes.flatMap((happened): RelatedChange[] => {
    const { relation, distance } = happened.by;
    if (relation === 'unrelated') return [];
    const change = recordedAt(world, happened, at);
    if (change === null || change.started_at < from) return [];
    return relation === 'dependent' ? [{ change, relation: 'caller', distance: 1 }] : [{ change, relation, distance }];
  });
}

/** Returns changes of the service from before the evidence, oldest first. */
export function historyKnown(world: World, evidence: Evidence): Change[] {
  const from = timestamp(onsetMillis(evidence) - LOOK_BACK * 1000);
  return world.changes.flatMap((happened) => {
    if (happened.by.relation !== 'same') return [];
    const change = recordedAt(world, happened, (Date.parse(evidence.at) - world.epoch) / 1000);
    return change !== null && change.started_at < from ? [change] : [];
  });
}

/** Returns the record of a change at `at`, by the recorder's clock. Null: not recorded yet. */
function recordedAt(world: World, happened: WorldChange, at: number): Change | null {
  const { recording, startedAt, finishedAt, rollout } = happened;
  const over = finishedAt <= at;
  const toldAtEnd = recording.how === 'end' || recording.how === 'end_with_times';
  if (startedAt > at || (toldAtEnd && !over)) return null;
  const by = (t: number) => instant(world, t + recording.clock);
  const running = recording.how === 'both' && !over;
  const began = by(recording.how === 'end' ? finishedAt : startedAt);
  const weight = rollout === null ? 1 : shareAt(rollout, at);
  return {
    id: happened.id,
    service: happened.by.name,
    environment: ENVIRONMENT,
    version: happened.version,
    kind: happened.kind,
    status: running ? 'started' : recording.how === 'start' ? 'succeeded' : happened.status,
    commit: null,
    committed_at: null,
    commits: [],
    started_at: began,
    // A single record without times counts as start and end at that moment.
    finished_at: running ? null : recording.how === 'start' || recording.how === 'end' ? began : by(finishedAt),
    author: null,
    url: null,
    has_migration: happened.hasMigration,
    rollback_safe_to: null,
    previous_version: happened.previous,
    canary_weight: recording.weights && running && weight < 1 ? weight : null,
    ...(recording.weights &&
      recording.how === 'both' &&
      rollout !== null && { canary_steps: stepsKnown(world, rollout, began, at) }),
    rolled_back_by: null,
    made_for: null,
    recorded_at: instant(world, (toldAtEnd ? finishedAt : startedAt) + 1),
  };
}

/** Returns the steps of a rollout that have been reported: it begins without traffic. */
function stepsKnown(
  world: World,
  { steps }: Rollout,
  began: Timestamp,
  at: number,
): NonNullable<Change['canary_steps']> {
  const reported = steps.filter((step) => step.at + 1 <= at);
  const later = reported.map((step) => ({ at: instant(world, step.at + 1), weight: step.share }));
  return [{ at: began, weight: 0 }, ...later].slice(-STEPS_MAX);
}

function ulid(rng: Random): string {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  return `01${Array.from({ length: 24 }, () => digits[rng.whole(0, 31)]).join('')}`;
}
