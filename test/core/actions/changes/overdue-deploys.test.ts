import { describe, expect, test } from 'vitest';
import type { Product } from '../../../../functions/assembly/product.ts';
import { reportOverdue } from '../../../../core/actions/changes/overdue-deploys.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { acting } from '../../../workflows/play.ts';

describe('a deployment that does not end', () => {
  /** Creates a world with one deployment that started `seconds` ago. Returns its signals. */
  async function rolling(seconds: number, more: object = {}) {
    const world = new FakeWorld();
    world.config = acting();
    const said: Signal[] = [];
    const queue: Product['queue'] = { sendAll: async (_, signals) => void said.push(...signals) };
    const started_at = new Date(world.clock.millis - seconds * 1000).toISOString();
    const serviceEnvironment = { service: 'checkout', environment: 'production' };
    const { change } = await world.deps.changes.record(
      NewChange.parse({ ...serviceEnvironment, version: 'v7', status: 'started', started_at, ...more }),
    );
    const sweep = (timeScale = 1) => reportOverdue({ ...world.deps, queue, timeScale });
    return { world, said, change, sweep };
  }

  test('is a warning of its service after its time-out, with that time as the start', async () => {
    const { world, said, change, sweep } = await rolling(299);
    await sweep();
    expect(said).toEqual([]);
    world.clock.set(world.clock.millis + 1000);
    await sweep();
    expect(said).toMatchObject([
      {
        source: 'deployment',
        status: 'firing',
        service: 'checkout',
        environment: 'production',
        severity: 'warning',
        requestsRollback: false,
        title: 'The deploy of v7 started and is overdue',
        startsAt: world.clock.now(),
      },
    ]);
    expect(new Map(said[0]?.labels)).toEqual(
      new Map([
        ['alertname', 'DeploymentTimedOut'],
        ['service', 'checkout'],
        ['environment', 'production'],
        ['severity', 'warning'],
        ['version', 'v7'],
      ]),
    );
    expect(await world.deps.changes.overdueAt(change.id)).toBe(world.clock.now());
  });

  test('is reported once', async () => {
    const { world, said, sweep } = await rolling(1000);
    await sweep();
    world.clock.set(world.clock.millis + 3_600_000);
    await sweep();
    expect(said).toHaveLength(1);
  });

  test('is dropped after a month: its warning ends, and it is no longer read', async () => {
    const { world, said, sweep } = await rolling(1000);
    await sweep();
    world.clock.set(world.clock.millis + 29 * 86_400_000);
    await sweep();
    expect(said).toHaveLength(1);
    expect(await world.deps.changes.inProgress()).toHaveLength(1);
    world.clock.set(world.clock.millis + 86_400_000);
    await sweep();
    expect(said.map(({ status, title }) => [status, title])).toEqual([
      ['firing', 'The deploy of v7 started and is overdue'],
      ['resolved', 'The deploy of v7 has had no reported end for 30 days'],
    ]);
    expect(said[1]?.episode).toBe(said[0]?.episode);
    expect(await world.deps.changes.inProgress()).toEqual([]);
  });

  describe('after which another version was put live', () => {
    async function rolledBack({ world, sweep }: Awaited<ReturnType<typeof rolling>>, more: object = {}) {
      const serviceEnvironment = { service: 'checkout', environment: 'production' };
      const times = { started_at: world.clock.now(), finished_at: world.clock.now() };
      const back = { ...serviceEnvironment, ...times, version: 'v6', kind: 'rollback', status: 'succeeded', ...more };
      await world.deps.changes.record(NewChange.parse(back));
      await sweep();
    }

    test('is no longer reported: its signal would keep the incident open', async () => {
      const story = await rolling(1000);
      await story.sweep();
      await rolledBack(story);
      expect(story.said.map(({ status, title }) => [status, title])).toEqual([
        ['firing', 'The deploy of v7 started and is overdue'],
        ['resolved', 'The deploy of v7 was replaced by a later one'],
      ]);
      expect(story.said[1]?.episode).toBe(story.said[0]?.episode);
      expect(await story.world.deps.changes.inProgress()).toEqual([]);
    });

    test('is never reported if that was before its time-out', async () => {
      const story = await rolling(200);
      await rolledBack(story);
      expect(await story.world.deps.changes.inProgress()).toHaveLength(1);
      story.world.clock.set(story.world.clock.millis + 200_000);
      await story.sweep();
      expect(story.said).toEqual([]);
      expect(await story.world.deps.changes.inProgress()).toEqual([]);
    });

    test.each([
      ['that failed', {}, { status: 'failed' }],
      ['by a flag, which replaces no version', {}, { kind: 'flag' }],
      ['while the deployment puts no version live', { kind: 'infrastructure' }, {}],
    ])('does not include a change %s', async (_, change, back) => {
      const story = await rolling(1000, change);
      await rolledBack(story, back);
      expect(story.said.map(({ status }) => status)).toEqual(['firing']);
    });
  });

  test('of a kind without an expected end is not reported', async () => {
    const { world, said, sweep } = await rolling(1, { kind: 'flag' });
    await sweep();
    expect(said).toEqual([]);
    expect(await world.deps.changes.inProgress()).toEqual([]);
  });

  test('is reported again as the same signal if the first attempt is unclear', async () => {
    const { world, said, sweep } = await rolling(1000);
    world.on('changes.setOverdue', {
      before: () => {
        throw new Error('the table did not answer');
      },
    });
    await sweep();
    expect(said).toHaveLength(1);
    world.on('changes.setOverdue', {});
    world.clock.set(world.clock.millis + 60_000);
    await sweep();
    expect(said).toHaveLength(2);
    expect(said[1]?.episode).toBe(said[0]?.episode);
  });

  test.each([
    ['succeeded', { status: 'succeeded' }],
    ['failed, which was reported separately', { status: 'failed' }],
    ['was cancelled', { status: 'cancelled' }],
    ['is a flag change', { kind: 'flag' }],
    ['is an experiment', { kind: 'experiment' }],
  ])('does not include one that %s', async (_, more) => {
    const { said, sweep } = await rolling(86_400, more);
    await sweep();
    expect(said).toEqual([]);
  });

  test.each([
    [900, 899, 1, 0],
    [900, 900, 1, 1],
    [30, 30, 1, 1],
    [900, 90, 10, 1],
    [900, 89, 10, 0],
  ])(
    'can have a time-out of %d s for its environment: reported after %d s at %d times the speed',
    async (may, seconds, scale, count) => {
      const { world, said, sweep } = await rolling(seconds);
      world.config = acting({ deployTimeoutSeconds: may });
      await sweep(scale);
      expect(said).toHaveLength(count);
    },
  );

  test('does not block reports of others', async () => {
    const { world, said, sweep } = await rolling(1000);
    const serviceEnvironment = { service: 'search', environment: 'staging', version: 'v1', status: 'started' };
    await world.deps.changes.record(NewChange.parse({ ...serviceEnvironment, started_at: '2026-11-20T11:00:00.000Z' }));
    await sweep();
    expect(said.map(({ service, unmatched }) => unmatched ?? service).toSorted()).toEqual(['checkout', 'search']);
  });
});
