import type { ChangeKind } from '../../../../schemas/changes/change.ts';
import type { Random } from '../random.ts';
import { type Alertmanager, drawAlertmanager } from './alerting.ts';
import { type Fault, type Shape, step } from './scenes/faults.ts';
import { type Delivery, drawDelivery, type Recorded } from './records.ts';
import { type Instance, instancesOf, type Restart, type Rollout } from './scenes/rollouts.ts';
import { drawServices, healthLimit, type Service } from './services.ts';

/** Seconds before the onset that are simulated, and after it. Burn rates look back six hours. */
const BEFORE_SECONDS = 3 * 3600;
export const LONG_BEFORE_SECONDS = 6.6 * 3600;
/** Seconds before the onset of a leak: the product reads two days. */
export const DAYS_BEFORE_SECONDS = 50 * 3600;
const AFTER_SECONDS = 95 * 60;

const HOUR = 3600;
const DAY = 86_400;

/** Rate of unrelated deploys per service, as the geometric mean and bounds of hours between them. */
const DEPLOY_HOURS = [5, 200] as const;

/** Probability of an unrelated failure somewhere else. */
const UNRELATED_FAULT = 0.06;

/** Thrown if the drawn services have no place for a class; another world is drawn then. */
export class Unsuitable extends Error {
  override readonly name = 'Unsuitable';
}

export type RolloutOptions = {
  mode?: Rollout['mode'];
  /** Seconds of a rolling deploy, or until one at once takes traffic. */
  seconds?: number;
  /** Share of a canary. */
  share?: number;
  /** Absent: a new version. */
  version?: string;
  migration?: boolean;
};

/** A world that is being built around one service. */
export type Stage = {
  rng: Random;
  /** When the problem begins, in seconds of the world. */
  onset: number;
  length: number;
  services: Service[];
  /** The service whose alert is judged. */
  focus: Service;
  first: Map<string, string>;
  rollouts: Rollout[];
  restarts: Restart[];
  faults: Fault[];
  recorded: Recorded[];
  delivery: Delivery;
  alertmanager: Alertmanager;
  unknownMigration: 'approve' | 'act';
  /** An earlier incident of the focus, whose rollback was verified. */
  earlier: { opened: number; mitigated: number; resolved: number } | null;
  /** The incident was opened for an earlier problem, which a rollback has ended. */
  recovered: { opened: number; at: number } | null;
  /** Deploys a service at a time. Returns the rollout. */
  deploy(service: Service, start: number, options?: RolloutOptions): Rollout;
  /** Records another change. */
  change(service: Service, kind: ChangeKind, at: number): Recorded;
  fault(service: Service, shape: Shape, fault: Omit<Fault, 'service' | 'shape'>): void;
  /** Returns the instances of a service, as far as rollouts and restarts are known. */
  instances(service: Service): Instance[];
  /** Returns a dependency of the focus. @throws Unsuitable */
  dependency(isDeclared: boolean): Service;
  /** Returns the services that call one. */
  callersOf(service: Service, isDeclared?: boolean): Service[];
};

/**
 * Draws a world without a problem: services, their older deploys, and unrelated ones.
 * @param before seconds before the onset that are simulated
 */
export function newStage(
  rng: Random,
  { before: simulated = BEFORE_SECONDS, focus: layers }: { before?: number | undefined; focus: readonly number[] },
): Stage {
  const services = drawServices(rng);
  const candidates = services.filter(({ layer }) => layers.includes(layer));
  const focus = candidates[rng.whole(0, candidates.length - 1)];
  if (focus === undefined) throw new Unsuitable('no service in these layers');
  const onset = simulated + rng.between(0, 120);
  const length = onset + AFTER_SECONDS;
  const builds = new Map<string, number>();
  const nextVersion = ({ name }: Service): string => {
    const build = (builds.get(name) ?? rng.whole(20, 900)) + 1;
    builds.set(name, build);
    return `v${Math.floor(build / 100)}.${build % 100}.${rng.whole(0, 9)}`;
  };
  const stage: Stage = {
    rng,
    onset,
    length,
    services,
    focus,
    first: new Map(),
    rollouts: [],
    restarts: [],
    faults: [],
    recorded: [],
    delivery: drawDelivery(rng),
    alertmanager: drawAlertmanager(rng),
    unknownMigration: rng.chance(0.5) ? 'act' : 'approve',
    earlier: null,
    recovered: null,
    deploy(service, start, options = {}) {
      const before = runningBefore(stage, service, start);
      const version = options.version ?? nextVersion(service);
      const { mode = drawnMode(rng, service) } = options;
      const id = changeId(rng);
      const rollout = rolloutOf(rng, { id, service: service.name, version, start }, mode, options);
      stage.rollouts.push(rollout);
      stage.rollouts.sort((a, b) => a.start - b.start);
      const { finish } = rollout;
      stage.recorded.push({
        ...recordOf({ id, service: service.name, version, kind: 'deploy', start }),
        finish: finish + rng.scale(1, 20), // CD waits for the last instance to be ready
        previous: rng.chance(0.6) ? before : null,
        hasMigration: options.migration ?? (rng.chance(0.88) ? false : null),
        canarySteps: rollout.mode === 'canary' ? rollout.steps : [],
      });
      return rollout;
    },
    change(service, kind, at) {
      const version = `${kind}-${rng.hex(6)}`;
      const recorded = recordOf({ id: changeId(rng), service: service.name, version, kind, start: at });
      stage.recorded.push(recorded);
      return recorded;
    },
    fault(service, shape, fault) {
      stage.faults.push({ service: service.name, shape, ...fault });
    },
    instances(service) {
      const own = <T extends { service: string }>(all: readonly T[]) =>
        all.filter((one) => one.service === service.name);
      return instancesOf(service, own(stage.rollouts), stage.first.get(service.name) ?? 'unknown', own(stage.restarts));
    },
    dependency(isDeclared) {
      const calls = focus.calls.filter((call) => call.isDeclared === isDeclared && call.coupling > 0.2);
      const chosen = calls[rng.whole(0, calls.length - 1)];
      const found = services.find(({ name }) => name === chosen?.to);
      if (found === undefined) throw new Unsuitable('no such dependency');
      return found;
    },
    callersOf: ({ name }, isDeclared) =>
      services.filter(({ calls }) =>
        calls.some((call) => call.to === name && (isDeclared === undefined || call.isDeclared === isDeclared)),
      ),
  };
  for (const service of services) older(stage, service, nextVersion(service));
  return stage;
}

const changeId = (rng: Random): string => `chg_${rng.hex(26)}`;

const recordOf = (fields: Pick<Recorded, 'id' | 'service' | 'version' | 'kind' | 'start'>): Recorded => ({
  ...fields,
  environment: 'production',
  previous: null,
  finish: null,
  hasMigration: false,
  canarySteps: [],
  rolledBackBy: null,
  madeFor: null,
});

/** Adds the versions before the world begins, and unrelated deploys and faults. */
function older(stage: Stage, service: Service, oldest: string): void {
  const { rng, focus, length } = stage;
  stage.recorded.push(past(rng, service, oldest, -rng.between(4 * DAY, 12 * DAY)));
  const first = service.name === focus.name || rng.chance(0.7) ? `${oldest}-1` : oldest;
  if (first !== oldest) stage.recorded.push(past(rng, service, first, -rng.between(3 * HOUR, 3.5 * DAY)));
  stage.first.set(service.name, first);
  if (service.name === focus.name) return;
  const hours = rng.scale(...DEPLOY_HOURS);
  let at = 0;
  while ((at += -Math.log(1 - rng.next()) * hours * HOUR) < length)
    if (service.layer < 3 || rng.chance(0.2)) stage.deploy(service, at);
  if (rng.chance(UNRELATED_FAULT / stage.services.length))
    stage.fault(service, step(rng.between(0, length), rng.between(0, length)), { errors: rng.between(0.02, 0.5) });
}

const past = (rng: Random, service: Service, version: string, start: number): Recorded => ({
  ...recordOf({ id: changeId(rng), service: service.name, version, kind: 'deploy', start }),
  finish: start + rng.between(30, 600),
});

/** Returns the version that runs before a time, as far as rollouts are known. */
export const runningBefore = ({ rollouts, first }: Pick<Stage, 'rollouts' | 'first'>, { name }: Service, at: number) =>
  rollouts.findLast((rollout) => rollout.service === name && rollout.finish <= at)?.version ?? first.get(name) ?? null;

const drawnMode = (rng: Random, { instances }: Service): Rollout['mode'] =>
  instances < 3 ? rng.weighted({ at_once: 2, rolling: 3 }) : rng.weighted({ at_once: 2, rolling: 5, canary: 2 });

function rolloutOf(
  rng: Random,
  base: Pick<Rollout, 'id' | 'service' | 'version' | 'start'>,
  mode: Rollout['mode'],
  { seconds, share }: RolloutOptions,
): Rollout {
  switch (mode) {
    case 'at_once':
      return { ...base, mode, finish: base.start + (seconds ?? rng.scale(5, 60)) };
    case 'rolling':
      return { ...base, mode, finish: base.start + (seconds ?? rng.scale(45, 1200)) };
    case 'canary': {
      const first = share ?? rng.pick([0.01, 0.02, 0.05, 0.1, 0.2, 0.25]);
      const begins = base.start + rng.between(5, 45);
      const pause = rng.scale(180, 1800);
      const shares = [first, ...[0.1, 0.25, 0.5].filter((each) => each > first * 1.5)];
      const steps = shares.map((each, index) => ({ at: begins + index * pause, share: each }));
      return { ...base, mode, steps, finish: begins + shares.length * pause };
    }
  }
}

/** Changes the focus so that a problem can be seen in its errors. */
export function measureErrors(stage: Stage): void {
  const { focus, rng } = stage;
  if (focus.health.form !== 'quantile') return;
  focus.health.form = rng.pick(['ratio', 'ratio_or_zero']);
  focus.health.max = healthLimit(rng, focus.health.form, focus);
}

/** Changes the focus so that its health query is a latency. */
export function measureLatency(stage: Stage): void {
  const { focus, rng } = stage;
  focus.health.form = 'quantile';
  focus.latency = rng.scale(0.02, 0.3);
  focus.health.max = healthLimit(rng, 'quantile', focus);
  focus.rate = Math.max(focus.rate, 3);
}
