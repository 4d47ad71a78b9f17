import { describe, expect, onTestFinished, test } from 'vitest';
import { ChangeTable } from '../../../../core/stores/changes/changes.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { deploy, stores, serviceEnvironment, inTheTable } from '../../stores/promises.ts';
import { openTable } from '../../stores/stores.ts';

inTheTable(() => {
  describe('deployments in progress', () => {
    const rolling = async () =>
      (await stores.changes.inProgress()).flatMap(({ change: { service, version }, overdueAt }) =>
        service === serviceEnvironment.service ? [[version, overdueAt]] : [],
      );

    test('are listed until their end is reported', async () => {
      const { change: begun } = await deploy('v1', 60, { status: 'started' });
      await deploy('v2', 30);
      expect(await rolling()).toEqual([['v1', null]]);
      await stores.changes.patch(begun.id, { has_migration: true });
      expect(await rolling()).toEqual([['v1', null]]);
      await stores.changes.patch(begun.id, { status: 'failed' });
      expect(await rolling()).toEqual([]);
    });

    test('stay marked as overdue until their end is reported', async () => {
      const { change: begun } = await deploy('v1', 600, { status: 'started' });
      const at = plusSeconds(begun.started_at, 300);
      expect(await stores.changes.overdueAt(begun.id)).toBeNull();
      await stores.changes.setOverdue(begun.id, at);
      expect([await stores.changes.overdueAt(begun.id), await rolling()]).toEqual([at, [['v1', at]]]);
      await stores.changes.patch(begun.id, { author: 'ada' });
      expect(await stores.changes.overdueAt(begun.id)).toBe(at);
      await stores.changes.patch(begun.id, { status: 'succeeded' });
      expect([await stores.changes.overdueAt(begun.id), await rolling()]).toEqual([null, []]);
      await stores.changes.setOverdue(begun.id, at);
      expect([await stores.changes.overdueAt(begun.id), await rolling()]).toEqual([null, []]);
    });

    test.each(['failed', 'succeeded', 'cancelled'] as const)(
      'do not start again after they have %s',
      async (status) => {
        const { change: begun } = await deploy('v1', 60, { status: 'started' });
        expect(await stores.changes.patch(begun.id, { status: 'started' })).toEqual(begun);
        const over = await stores.changes.patch(begun.id, { status });
        expect(await stores.changes.patch(begun.id, { status: 'started', author: 'ada' })).toBe('ended');
        expect([await stores.changes.get(begun.id), await rolling()]).toEqual([over, []]);
      },
    );
  });

  describe('failed deployments', () => {
    const failures = async () =>
      (await stores.changes.failures()).flatMap(({ change: { service, version, status }, failedAt }) =>
        service === serviceEnvironment.service ? [[version, status, failedAt]] : [],
      );

    test('are listed with the first reported time until they are reported as over', async () => {
      const { change: begun } = await deploy('v1', 600, { status: 'started' });
      const { change: told } = await deploy('v2', 300, { status: 'failed' });
      await deploy('v3', 60);
      expect(await failures()).toEqual([['v2', 'failed', told.finished_at]]);
      await stores.changes.patch(begun.id, { status: 'failed', finished_at: plusSeconds(begun.started_at, 20) });
      await stores.changes.patch(begun.id, { status: 'failed', finished_at: plusSeconds(begun.started_at, 30) });
      await stores.changes.patch(begun.id, { status: 'succeeded' });
      expect(new Set(await failures())).toEqual(
        new Set([
          ['v1', 'succeeded', plusSeconds(begun.started_at, 20)],
          ['v2', 'failed', told.finished_at],
        ]),
      );
      for (const { id } of [begun, told]) await stores.changes.endFailure(id);
      await stores.changes.endFailure(told.id);
      expect(await failures()).toEqual([]);
    });

    test('stay over if their records are changed, and listed if their start is corrected', async () => {
      const { change: over } = await deploy('v1', 600, { status: 'failed' });
      const { change: failing } = await deploy('v2', 300, { status: 'failed' });
      await stores.changes.endFailure(over.id);
      await stores.changes.patch(over.id, { author: 'ada' });
      for (const { id, started_at: at } of [over, failing])
        await stores.changes.revise(id, (change) => ({ ...change, started_at: plusSeconds(at, -60) }));
      expect(await failures()).toEqual([['v2', 'failed', failing.finished_at]]);
      await stores.changes.endFailure(failing.id);
    });
  });

  describe('a name of several commits', () => {
    const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
    const stored = async () =>
      (await stores.changes.list({ ...serviceEnvironment, limit: 9 })).items.map((one) => [
        one.version,
        one.reported_version,
      ]);

    test('is a version for each commit, from the second one on, also of earlier records', async () => {
      const { change: first } = await deploy('6.4', 600, { commit: A });
      expect(await stored()).toEqual([['6.4', undefined]]);
      const { change: second } = await deploy('6.4', 60, { commit: B });
      expect([second.version, (await deploy('6.4', 60, { commit: B })).change]).toEqual(['6.4 (2222222)', second]);
      expect(await stored()).toEqual([
        ['6.4 (2222222)', '6.4'],
        ['6.4 (1111111)', '6.4'],
      ]);
      expect((await stores.changes.get(first.id))?.version).toBe('6.4 (1111111)');
      const live = (await stores.changes.live()).find(({ service }) => service === serviceEnvironment.service);
      expect(live).toEqual(second);
    });

    test('stays so if another system calls one of them by its commit', async () => {
      await deploy('6.4', 600, { commit: A });
      await deploy('6.4', 60, { commit: B });
      const { change } = await deploy(A, 30, { commit: A });
      expect([change.version, change.reported_version]).toEqual(['6.4 (1111111)', A]);
      expect((await stored()).map(([version]) => version)).toEqual(['6.4 (1111111)', '6.4 (2222222)', '6.4 (1111111)']);
    });

    test('is one version again, if the commit of a record is corrected', async () => {
      await deploy('6.4', 600, { commit: A });
      const { change } = await deploy('6.4', 60, { commit: B });
      await stores.changes.revise(change.id, (one) => ({ ...one, commit: A }));
      expect((await stored()).map(([version]) => version)).toEqual(['6.4', '6.4']);
    });

    test('is told apart once its commit is known', async () => {
      await deploy('6.4', 600, { commit: A });
      const { change } = await deploy('6.4', 60, { status: 'started' });
      expect(await stores.changes.patch(change.id, { commit: B })).toMatchObject({ version: '6.4 (2222222)' });
    });
  });

  describe('the live version', () => {
    const runs = async () =>
      (await stores.changes.live()).flatMap(({ service, version }) =>
        service === serviceEnvironment.service ? [version] : [],
      );

    test('is the newest successful one, until that turns out to have failed', async () => {
      expect(await runs()).toEqual([]);
      await deploy('v1', 900);
      const { change: second } = await deploy('v2', 300);
      await deploy('v0', 7000);
      await deploy('v3', 10, { status: 'started' });
      await deploy('flag', 5, { kind: 'flag' });
      expect(await runs()).toEqual(['v2']);
      await stores.changes.patch(second.id, { status: 'failed' });
      expect(await runs()).toEqual(['v1']);
    });
  });

  describe('changes with a start in the future', () => {
    test('do not count until that time, except for small clock differences', async () => {
      const runs = async () =>
        (await stores.changes.live()).flatMap(({ service, version }) =>
          service === serviceEnvironment.service ? [version] : [],
        );
      const recent = async () => (await stores.changes.recent(serviceEnvironment, 2)).map(({ version }) => version);
      await deploy('v1', 900);
      for (const [version, ahead] of Object.entries({ v7: 20, v8: 3, v9: 999 })) await deploy(version, -ahead * 3600);
      expect([await runs(), await recent()]).toEqual([['v1'], ['v1']]);
      await deploy('v2', 60);
      await deploy('v3', -60);
      expect([await runs(), await recent()]).toEqual([['v3'], ['v2', 'v3']]);
    });
  });

  describe('a change of a clock that is ahead', () => {
    test('began at the latest when it was reported, so that it hides no later change', async () => {
      const now = stores.clock.now();
      const first = await deploy('v1', -14 * 60);
      expect(first.change).toMatchObject({ started_at: now, finished_at: now });
      // Changes of the same moment are in the order of their IDs, which says nothing about them.
      stores.clock.set(stores.clock.millis + 1000);
      const begin = stores.clock.now();
      const { change: begun } = await deploy('v2', -13 * 60, { status: 'started' });
      stores.clock.set(stores.clock.millis + 60_000);
      const end = plusSeconds(stores.clock.now(), 13 * 60);
      expect(await stores.changes.patch(begun.id, { status: 'succeeded', finished_at: end })).toMatchObject({
        started_at: begin,
        finished_at: stores.clock.now(),
      });
      stores.clock.set(stores.clock.millis + 60_000);
      await deploy('v3', 0);
      expect((await stores.changes.recent(serviceEnvironment, 9)).map(({ version }) => version)).toEqual([
        'v1',
        'v2',
        'v3',
      ]);
      const live = (await stores.changes.live()).filter(({ service }) => service === serviceEnvironment.service);
      expect(live.map(({ version }) => version)).toEqual(['v3']);
    });

    test('is the same when it is reported again, also after that time', async () => {
      const input = { started_at: plusSeconds(stores.clock.now(), 14 * 60) };
      const first = await deploy('v1', 0, input);
      for (const minutes of [1, 20]) {
        stores.clock.set(stores.clock.millis + minutes * 60_000);
        expect(await deploy('v1', 0, input)).toEqual({ created: false, change: first.change });
      }
      expect(await stores.changes.recent(serviceEnvironment, 9)).toEqual([first.change]);
    });
  });

  describe('changes', () => {
    test('a repeated report is the same change', async () => {
      const first = await deploy('v1', 60, { author: 'ada' });
      expect(first).toMatchObject({
        created: true,
        change: { kind: 'deploy', status: 'succeeded', has_migration: null },
      });
      const again = await deploy('v1', 60, { author: 'bo' });
      expect(again).toEqual({ created: false, change: first.change });
      expect(await stores.changes.get(first.change.id)).toEqual(first.change);
      expect((await deploy('v1', 60, { kind: 'hotfix' })).created).toBe(true);
    });

    test.each([
      ['the version was the running one', 'live'],
      ['the projectors were woken', 'woken'],
    ])('a repeated report completes one whose process died before %s', async (_, diesBefore) => {
      const { table, store, clock, close } = await openTable();
      onTestFinished(close);
      const died = new Error('the process has died');
      let isFirst = true;
      store.refuse = (write) => {
        if (isFirst && diesBefore === 'live' && JSON.stringify(write).includes('"LIVE"')) throw died;
      };
      const woken: string[] = [];
      const changes = new ChangeTable(table, clock, async (subject) => {
        if (isFirst) throw died;
        woken.push(subject);
      });
      const running = async () => (await changes.live()).map(({ version }) => version);
      const report = NewChange.parse({ ...serviceEnvironment, version: 'v2', started_at: clock.now() });
      await expect(changes.record(report)).rejects.toThrow(died);
      expect(await running()).toEqual(diesBefore === 'live' ? [] : ['v2']);
      isFirst = false;
      const { change, created } = await changes.record(report);
      expect({ created, running: await running(), woken }).toEqual({
        created: false,
        running: ['v2'],
        woken: [`change:${change.id}`],
      });
    });

    test('the newest of a service and environment are returned oldest first, however late they were recorded', async () => {
      for (const [version, secondsAgo] of [
        ['v3', 10],
        ['v1', 300],
        ['v2', 100],
      ] as const)
        await deploy(version, secondsAgo);
      const versions = async (limit: number) =>
        (await stores.changes.recent(serviceEnvironment, limit)).map(({ version }) => version);
      expect([await versions(9), await versions(2)]).toEqual([
        ['v1', 'v2', 'v3'],
        ['v2', 'v3'],
      ]);
    });

    test('a deployment in progress gets its outcome later', async () => {
      const { change: rolling } = await deploy('v1', 60, { status: 'started' });
      expect(rolling).toMatchObject({ status: 'started', finished_at: null });
      const done = await stores.changes.patch(rolling.id, { status: 'succeeded', has_migration: false });
      expect(done).toMatchObject({
        id: rolling.id,
        status: 'succeeded',
        has_migration: false,
        finished_at: stores.clock.now(),
      });
      expect(await stores.changes.get(rolling.id)).toEqual(done);
      expect(await stores.changes.patch('chg_00000000000000000000000000' as typeof rolling.id, {})).toBeUndefined();
    });

    test('one recorded afterwards ended when it started, unless reported otherwise', async () => {
      const { change: done } = await deploy('v1', 7200);
      expect(done.finished_at).toBe(done.started_at);
    });
  });
});
