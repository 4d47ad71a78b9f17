import type { Curve, Evidence, Failing, RelatedChange } from '../../domain/correlation/evidence.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { EnvironmentName } from '../../schemas/config/names.ts';
import { type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { onsetMillis } from '../observables.ts';
import type { Random } from '../random.ts';
import type { Alarm } from './alerting.ts';
import { shareAt } from './rollout.ts';
import { perSecondAt, ratioAt, SCRAPE, type Telemetry } from './simulate.ts';
import type { Happened, World } from './world.ts';

const ENVIRONMENT = 'production' as EnvironmentName;
const LOOK_BACK = 7200;
const STEP = 30;
/** Services that began to fail within this time of the onset count as failing at the same time. */
const TOGETHER_MILLIS = 600_000;

/** Returns the world as the product sees it at the time of its decision. */
export function observe(r: Random, world: World, telemetry: Telemetry, alarm: Alarm): Evidence {
  const { profile, landscape } = world;
  const at = alarm.lookedAt;
  const onset = onsetOf(world, telemetry, alarm);
  const times = sampleTimes(world, at);
  const evidence: Evidence = {
    incident_id: ulid(r),
    service: landscape.service.name,
    environment: ENVIRONMENT,
    at: instant(world, at),
    onset,
    changes: changesKnown(world, at, onsetMillis({ onset })),
    health: profile.known.health
      ? {
          max: profile.limit * profile.unit,
          curve: curve(times, (t) => profile.unit * ratioAt(telemetry, telemetry.all, t, profile.window)),
        }
      : null,
    traffic: profile.known.traffic
      ? curve(times, (t) => perSecondAt(telemetry, telemetry.all, t, profile.window))
      : null,
    by_version: profile.known.versions ? versionsNow(world, telemetry, at) : null,
    alert_versions: alarm.versions,
    failing: [],
  };
  return { ...evidence, failing: failingNow(world, at, onsetMillis(evidence)) };
}

/** Converts seconds of the world to timestamps of the monitoring. */
export const instant = ({ epoch }: World, t: number): Timestamp => timestamp(epoch + Math.round(t * 1000));

function onsetOf(world: World, telemetry: Telemetry, { firedAt }: Alarm): Evidence['onset'] {
  const { rule, known } = world.profile;
  return {
    alertStartedAt: instant(world, firedAt),
    rule: rule.known ? { forSeconds: rule.forSeconds, intervalSeconds: rule.intervalSeconds } : null,
    firstBadAt: known.health ? firstBad(world, telemetry, firedAt) : null,
  };
}

/** Returns the start of the run of samples above the limit before the alert. */
function firstBad(world: World, telemetry: Telemetry, firedAt: number): Timestamp | null {
  const { limit, window } = world.profile;
  let first: number | null = null;
  for (let t = firedAt; t >= Math.max(0, firedAt - LOOK_BACK); t -= SCRAPE) {
    const value = ratioAt(telemetry, telemetry.all, t, window);
    if (value <= limit) break;
    if (value > limit) first = t;
  }
  return first === null ? null : instant(world, first);
}

type SampleTimes = readonly (readonly [t: number, at: Timestamp])[];

/** Both curves have their samples at the same times. */
function sampleTimes({ epoch }: World, at: number): SampleTimes {
  const write = writer();
  return Array.from({ length: LOOK_BACK / STEP + 1 }, (_, index) => {
    const t = at - LOOK_BACK + index * STEP;
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

function versionsNow(world: World, telemetry: Telemetry, at: number): NonNullable<Evidence['by_version']> {
  const { window, known, unit } = world.profile;
  const total = perSecondAt(telemetry, telemetry.all, at, window);
  return [...telemetry.versions].flatMap(([version, counters]) => {
    const value = ratioAt(telemetry, counters, at, window);
    if (Number.isNaN(value)) return [];
    return [
      {
        version,
        value: value * unit,
        share: known.shares ? perSecondAt(telemetry, counters, at, window) / total : null,
      },
    ];
  });
}

function failingNow(world: World, at: number, onset: number): Failing[] {
  const from = onset - world.epoch - TOGETHER_MILLIS;
  return world.ill
    .filter(({ seenAt, since }) => seenAt <= at && since * 1000 >= from)
    .map(({ who, since }) => ({
      service: who.name,
      since: instant(world, since),
      relation: who.relation === 'dependent' || who.relation === 'unrelated' ? who.relation : 'dependency',
      changed_at: changedNear(world, who.name, since, at),
    }));
}

/** Returns the newest deploy of that service in the half hour before it failed. */
function changedNear(world: World, service: string, since: number, at: number): Timestamp | null {
  const change = world.changes.findLast(
    ({ by, kind, startedAt, status }) =>
      by.name === service &&
      (kind === 'deploy' || kind === 'hotfix') &&
      status === 'succeeded' &&
      startedAt <= Math.min(at, since) &&
      startedAt >= since - 1800,
  );
  return change === undefined ? null : instant(world, change.startedAt + change.recording.clock);
}

function changesKnown(world: World, at: number, onset: number): RelatedChange[] {
  const from = timestamp(onset - LOOK_BACK * 1000);
  return world.changes.flatMap((happened): RelatedChange[] => {
    const { relation, distance } = happened.by;
    if (relation === 'dependent' || relation === 'unrelated') return [];
    const change = recordedAt(world, happened, at);
    return change === null || change.started_at < from ? [] : [{ change, relation, distance }];
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
function recordedAt(world: World, happened: Happened, at: number): Change | null {
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
    rolled_back_by: null,
    made_for: null,
    recorded_at: instant(world, (toldAtEnd ? finishedAt : startedAt) + 1),
  };
}

function ulid(r: Random): string {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  return `01${Array.from({ length: 24 }, () => digits[r.whole(0, 31)]).join('')}`;
}
