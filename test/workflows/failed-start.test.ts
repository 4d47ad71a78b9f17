import { expect, test } from 'vitest';
import { reviveFailed, wakeOverdue } from '../../core/jobs/sweep/workflows.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { acting, ends, fires, handlerWith, type Moment, passThrough, theIncident } from './play.ts';
import { VirtualExecutions } from './virtual-executions.ts';

/** A step gives up after 200 attempts, most of them a minute apart. */
const MINUTES = 240;

/** An incident whose first run fails before it has written anything, and a sweeper that runs each minute. */
class FailedStart {
  readonly world = new FakeWorld();
  readonly virtual = new VirtualExecutions(this.world.clock, handlerWith(this.world.deps));
  /** The numbers of runs that had not ended, at each sweep. */
  readonly live: number[][] = [];

  constructor() {
    const { world, virtual } = this;
    world.engine = virtual;
    world.config = acting({ autoRollback: { mode: 'shadow' } });
  }

  statusOf(run: number): Promise<string> {
    return this.virtual.status(`test-${theIncident(this.world)}-${run}`);
  }

  /** Fails these calls until the first run has failed. */
  failing(...calls: string[]): this {
    for (const call of calls)
      this.world.on(call, {
        before: async () => {
          if ((await this.statusOf(1)) === 'running') throw new Error('no write succeeds');
        },
      });
    return this;
  }

  readonly sweeps: Moment = async ({ deps }) => {
    await wakeOverdue(deps);
    await reviveFailed(deps, await deps.incidents.open());
    const running = this.virtual.executions().filter(({ status }) => status === 'running');
    this.live.push(running.map(({ name }) => Number(name.split('-').at(-1))));
  };

  async play(timeline: Record<string, Moment> = {}): Promise<void> {
    const each = Array.from({ length: MINUTES }, (_, minute) => [`${minute + 1} min`, this.sweeps] as const);
    await passThrough(this.world, this.virtual, {
      '0 s': fires(),
      ...timeline,
      ...Object.fromEntries(each),
      [`${MINUTES + 1} min`]: ends(),
    });
  }
}

test.for([
  { calls: ['incidents.markStarted'], what: 'its start' },
  { calls: ['incidents.markStarted', 'incidents.begin'], what: 'anything' },
])('a run that fails before it has recorded $what is replaced once, and pages once', async ({ calls }) => {
  const it = new FailedStart().failing(...calls);
  await it.play();
  const { world, live } = it;
  expect(world.calls).toEqual(['pager trigger page.1 critical', 'pager resolve page.1 critical']);
  expect([await it.statusOf(1), await it.statusOf(2), await it.statusOf(3)]).toEqual([
    'failed',
    'succeeded',
    'unknown',
  ]);
  const replaced = live.findIndex(([run]) => run === 2);
  expect(live.slice(0, replaced)).toEqual(Array.from({ length: replaced }, () => [1]));
  expect(live.slice(replaced)).toEqual(Array.from({ length: MINUTES - replaced }, () => [2]));
  const texts = world.store.dossier(theIncident(world)).timeline.map(({ text }) => text);
  expect(texts.filter((text) => text.includes('takes over'))).toEqual([
    'Run 1 of the workflow has failed; run 2 takes over',
  ]);
});

test('a run that was stopped before it began is replaced', async () => {
  const it = new FailedStart();
  const stops: Moment = (world) => world.kill(theIncident(world), 1);
  const begins = it.world.deps.engine.start.bind(it.world.deps.engine);
  it.world.deps.engine.start = async (id, run) => {
    const execution = await begins(id, run);
    await stops(it.world);
    return execution;
  };
  await it.play();
  expect(it.world.calls).toEqual(['pager trigger page.1 critical', 'pager resolve page.1 critical']);
});

test('a run that is only slow is not replaced', async () => {
  const it = new FailedStart();
  let isSlow = true;
  it.world.on('incidents.markStarted', {
    before: () => {
      if (isSlow) throw new Error('throttled');
    },
  });
  await it.play({ '30.5 min': () => void (isSlow = false) });
  expect(it.live).toEqual(Array.from({ length: MINUTES }, () => [1]));
});
