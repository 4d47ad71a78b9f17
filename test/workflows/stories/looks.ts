import type { Deployer, LookInstance, LookResponse, LookTarget } from '../../../core/domain/rollback/targets.ts';
import { JudgeMetric } from '../../../schemas/judge/judge-config.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { NOON } from '../../core/arbitraries.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { answersWhatWaits, configured, deploys, ends, fires, type Moment, samplesOf } from '../play.ts';
import { unrecorded } from './late-changes.ts';
import type { Path } from './rollbacks.ts';

/** Stories of in-place deploys: the versions never serve side by side, so that only a controlled look tells them apart. */

/** What the two fresh instances do. `requests`: per second, to each. */
export type Fresh = {
  suspect: number;
  other: number;
  requests?: number;
  instances?: (age: number) => { suspect?: Partial<LookInstance>; other?: Partial<LookInstance> };
  plan?: Awaited<ReturnType<LookTarget['plan']>>;
  /** Answers before those of the instances. */
  answers?: (LookResponse | undefined)[];
  more?: object;
};

/** Seconds after which a fresh instance is ready. */
const READY_AFTER = 10;

/** The end of the deploy, and the begin of the errors. */
const since = plusSeconds(NOON, -60);

/** v2 replaces v1 in place and fails; a look finds these errors of a fresh instance of each. */
export const looksAt =
  (fresh: Fresh): Moment =>
  async (world) => {
    await unrecorded('v2')(world);
    await deploys('v2', 1.5, { finished_at: since })(world);
    configured({
      autoRollback: { mode: 'act', unknownMigration: 'act' },
      look: {},
      health: { promql: 'errors of checkout[2m]', max: 0.01 },
      ...fresh.more,
    })(world);
    world.deps.metrics.range = async (_promql, from, until) =>
      samplesOf(from, until, (at) => (at < since ? 0.001 : 0.3), 15);
    const cluster = new FakeCluster(world, fresh);
    const { deployerFor } = world.deps.targets;
    world.deps.targets.deployerFor = async (...args) => {
      const deployer = await deployerFor(...args);
      return deployer && ({ ...deployer, look: cluster.look } satisfies Deployer);
    };
    world.deps.judgeMetrics = {
      ...world.deps.judgeMetrics,
      derived: () => [
        JudgeMetric.parse({
          kind: 'ratio',
          name: 'health',
          bad: 'sum by (version) (rate(failed[{{.window}}]))',
          total: 'sum by (version) (rate(requests[{{.window}}]))',
        }),
      ],
    };
    world.deps.metricQueries = {
      ...world.deps.metricQueries,
      range: async (promql, from, until, step) => ({
        kind: 'series',
        series: cluster.series(promql, from, until, step),
      }),
    };
  };

/** A cluster that runs the two instances. */
class FakeCluster {
  readonly #world: FakeWorld;
  readonly #fresh: Fresh;
  readonly #answers: (LookResponse | undefined)[];
  #startedAt: Timestamp | null = null;
  #isGone = false;

  constructor(world: FakeWorld, fresh: Fresh) {
    this.#world = world;
    this.#fresh = fresh;
    this.#answers = [...(fresh.answers ?? [])];
  }

  readonly look: LookTarget = {
    plan: async () => this.#fresh.plan ?? { kind: 'possible', replicas: 3 },
    start: async ({ from, to, key }) => {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#startedAt === null) this.#world.calls.push(`look ${from} beside ${to} as ${key.split('-').at(-1)}`);
      this.#startedAt ??= this.#world.clock.now();
      return this.#running();
    },
    read: async () => this.#running(),
    end: async () => {
      if (!this.#isGone && this.#startedAt !== null) this.#world.calls.push('look ends');
      this.#isGone = true;
      return { kind: 'gone' };
    },
  };

  #running(): LookResponse {
    if (this.#isGone || this.#startedAt === null) return { kind: 'gone' };
    const readyAt = plusSeconds(this.#startedAt, READY_AFTER);
    const isReady = this.#world.clock.now() >= readyAt;
    const age = (this.#world.clock.millis - millisOf(this.#startedAt)) / 1000;
    const one = (name: 'suspect' | 'other'): LookInstance => ({
      name: `look-${name}`,
      state: isReady ? 'ready' : 'starting',
      readyAt: isReady ? readyAt : null,
      restarts: 0,
      detail: null,
      ...this.#fresh.instances?.(age)[name],
    });
    return { kind: 'running', suspect: one('suspect'), other: one('other') };
  }

  series(promql: string, from: Timestamp, until: Timestamp, step: number) {
    const { requests = 10 } = this.#fresh;
    const ready = this.#startedAt === null ? Infinity : millisOf(this.#startedAt) / 1000 + READY_AFTER;
    return (['suspect', 'other'] as const).map((name) => {
      const rate = promql.includes('failed') ? requests * this.#fresh[name] : requests;
      const values: [number, number][] = [];
      for (let at = millisOf(from) / 1000; at <= millisOf(until) / 1000; at += step)
        if (at > ready) values.push([at, rate]);
      return { labels: { version: name === 'suspect' ? 'v2' : 'v1', pod: `look-${name}` }, values };
    });
  }
}

const PAGE = 'pager trigger page.1 critical';
const LOOK = ['look v2 beside v1 as 1', 'look ends'];
const PAGE_AGAIN = 'pager trigger page.2 critical';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';
const RESOLVE = 'pager resolve page.1 critical';
const failsAfterDeploy = { '0 s': fires({ began: 20 }), '12 min': ends() };

export const lookPaths: Record<string, Path> = {
  'only-the-fresh-new-version-fails': {
    given: [looksAt({ suspect: 0.3, other: 0.001 })],
    timeline: failsAfterDeploy,
    calls: [PAGE, ...LOOK, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'both-fresh-versions-fail': {
    given: [looksAt({ suspect: 0.3, other: 0.3 })],
    timeline: failsAfterDeploy,
    calls: [PAGE, ...LOOK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'neither-fresh-version-fails': {
    given: [looksAt({ suspect: 0.001, other: 0.001 })],
    timeline: failsAfterDeploy,
    calls: [PAGE, ...LOOK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'fresh-versions-get-too-few-requests': {
    given: [looksAt({ suspect: 0.3, other: 0, requests: 0.1 })],
    timeline: failsAfterDeploy,
    calls: [PAGE, ...LOOK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'fresh-new-version-does-not-start': {
    given: [
      looksAt({
        suspect: 0,
        other: 0,
        instances: () => ({ suspect: { state: 'failed', readyAt: null, detail: 'CrashLoopBackOff' } }),
      }),
    ],
    timeline: failsAfterDeploy,
    calls: [PAGE, ...LOOK, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'look-is-refused': {
    given: [looksAt({ suspect: 0.3, other: 0, plan: { kind: 'refused', detail: 'the quota has no room for 2 pods' } })],
    timeline: failsAfterDeploy,
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'approved-during-a-look': {
    given: [looksAt({ suspect: 0.3, other: 0.001 })],
    timeline: { '0 s': fires({ began: 20 }), '40 s': answersWhatWaits('approved'), '12 min': ends() },
    calls: [PAGE, ...LOOK, 'cd roll-back.1 v2 to v1', RESOLVE],
    status: 'resolved',
  },
};
