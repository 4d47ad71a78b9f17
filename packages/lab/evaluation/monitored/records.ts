import type { Random } from '../random.ts';
import { Change, type ChangeKind } from '../../../../schemas/changes/change.ts';

/** A change as the CD system reports it. Times in seconds of the world, before the CD system's clock error. */
export type Recorded = {
  id: string;
  service: string;
  environment: string;
  version: string;
  previous: string | null;
  kind: ChangeKind;
  start: number;
  /** Null: it has no end, as a flag. Infinity: not ended yet. */
  finish: number | null;
  hasMigration: boolean | null;
  /** Shares of a canary, oldest first. Empty: it is none. */
  canarySteps: readonly { at: number; share: number }[];
  rolledBackBy: { incident: string; at: number } | null;
  madeFor: string | null;
};

/** Reporting of a CD system. `skew`: seconds by which its clock is ahead. `delay`: of its reports. */
export type Delivery = { reports: 'both' | 'end' | 'start'; skew: number; delay: number };

export function drawDelivery(rng: Random): Delivery {
  return {
    reports: rng.weighted({ both: 7, end: 2, start: 1 }),
    skew: rng.chance(0.06) ? rng.between(-25, 25) : 1.2 * rng.normal(),
    delay: rng.chance(0.1) ? rng.scale(5, 60) : rng.scale(0.2, 4),
  };
}

/** Returns the record of a change that is known at a time; undefined: none yet. */
export function recordAt(
  recorded: Recorded,
  { reports, skew, delay }: Delivery,
  now: number,
  timestamp: (at: number) => string,
): Change | undefined {
  const { finish, start } = recorded;
  const isOver = finish === null || now >= finish + delay;
  const known = now >= (reports === 'end' && finish !== null ? finish : start) + delay;
  if (!known) return undefined;
  const steps = reportedSteps(recorded, reports).filter(({ at }, index) => index === 0 || now >= at + delay);
  const hasEnd = reports !== 'start' && finish !== null && isOver;
  const began = reports === 'end' && finish !== null ? Math.min(start, finish) : start;
  return Change.parse({
    id: recorded.id,
    service: recorded.service,
    environment: recorded.environment,
    version: recorded.version,
    kind: recorded.kind,
    status: isOver || reports === 'start' ? 'succeeded' : 'started',
    commit: null,
    committed_at: null,
    commits: [],
    started_at: timestamp(began + skew),
    // The product takes the start for the end of a change that is reported once, without an end.
    finished_at: hasEnd
      ? timestamp(finish + skew)
      : finish === null || reports === 'start'
        ? timestamp(start + skew)
        : null,
    author: null,
    url: null,
    has_migration: recorded.hasMigration,
    rollback_safe_to: null,
    previous_version: recorded.previous,
    canary_weight: steps.at(-1)?.share ?? null,
    ...(steps.length > 1 && {
      canary_steps: steps.map(({ at, share }, index) => ({
        at: timestamp(index === 0 ? began + skew : at + delay),
        weight: share,
      })),
    }),
    rolled_back_by:
      recorded.rolledBackBy !== null && now >= recorded.rolledBackBy.at ? recorded.rolledBackBy.incident : null,
    made_for: recorded.madeFor,
    recorded_at: timestamp((reports === 'end' && finish !== null ? finish : start) + delay),
  });
}

/** Returns the reported steps of a canary. Half of the CD systems report only the first one, with the start. */
export function reportedSteps(
  { id, canarySteps: steps }: Recorded,
  reports: Delivery['reports'],
): Recorded['canarySteps'] {
  // Independent of the random numbers of the world, which stays the same.
  const isEven = Number.parseInt(id.slice(-1), 16) % 2 === 0;
  return reports === 'both' && isEven ? steps : steps.slice(0, 1);
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Returns a ULID. @param millis Unix milliseconds */
export function ulid(rng: Random, millis: number): string {
  let [time, rest] = ['', Math.floor(millis)];
  for (let digit = 0; digit < 10; digit += 1) {
    time = (CROCKFORD[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  return time + Array.from({ length: 16 }, () => CROCKFORD[rng.whole(0, 31)] ?? '0').join('');
}
