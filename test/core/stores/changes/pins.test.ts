import { describe, expect, test } from 'vitest';
import { clear } from '../../arbitraries.ts';
import { markWrong } from '../../../../core/actions/incidents/mark-wrong.ts';
import type { ChangeId, EnvironmentName, IncidentId, Version } from '../../../../schemas/config/names.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import {
  later,
  opened,
  judged,
  keyOf,
  end,
  acts,
  deploy,
  stores,
  serviceEnvironment,
  inTheTable,
} from '../../stores/promises.ts';

inTheTable(() => {
  describe('known bad versions', () => {
    /** Rolls the newest version back; returns the resulting pin. */
    async function rolledBack(
      id: IncidentId,
      from: string,
      to: string,
      { number = 1, automatic = false } = {},
    ): Promise<PinView> {
      const changes = await stores.changes.recent(serviceEnvironment, 9);
      const suspect = changes.findLast(({ version }) => version === from);
      if (suspect === undefined) throw new Error(`${from} was never deployed`);
      await judged(id, number, clear({ changes }));
      await acts(id, keyOf(id, number), { automatic, isProposed: automatic });
      later(5);
      const moved = { from: from as Version, to: to as Version, suspect: suspect.id };
      await stores.effects.concludeRollback(id, end(id, number, { versionChange: moved }));
      later(5);
      const pin = (await stores.pins.of(serviceEnvironment)).find(({ version }) => version === from);
      if (pin === undefined) throw new Error(`${from} was not pinned`);
      return pin;
    }

    const listed = async (all = false) =>
      (await stores.pins.list({ limit: 500, all })).items.filter(
        ({ service }) => service === serviceEnvironment.service,
      );
    const inForce = async () => (await stores.pins.of(serviceEnvironment)).map(({ version }) => version);

    test('a rolled-back version is known bad in all queries', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const pin = await rolledBack(id, 'v2', 'v1');
      expect(pin).toMatchObject({
        ...serviceEnvironment,
        version: 'v2',
        rolled_back_to: 'v1',
        incident_id: id,
        reason: 'rolled back to v1',
        pinned_at: plusSeconds(stores.clock.now(), -5),
        lifted_at: null,
        lifted_by: null,
        state: 'pinned',
        newer_version: null,
      });
      expect([await listed(), await listed(true), await stores.pins.get(pin.id)]).toEqual([[pin], [pin], pin]);
      expect(await stores.pins.of({ ...serviceEnvironment, environment: 'staging' as EnvironmentName })).toEqual([]);
    });

    const recorded = (version: string, more: object = {}) => ({
      ...serviceEnvironment,
      version: version as Version,
      rolled_back_to: 'v1' as Version,
      incident_id: null,
      reason: 'rolled back to v1 by bo',
      pinned_at: stores.clock.now(),
      ...more,
    });

    test('it is pinned once for a recorded rollback, and not again after a person lifted the pin', async () => {
      const rollback = 'chg_rollback' as ChangeId;
      const pin = await stores.pins.add(recorded('v2'), rollback);
      expect(pin).toMatchObject({ version: 'v2', incident_id: null, state: 'pinned' });
      expect(await stores.pins.add(recorded('v2'), rollback)).toEqual(pin);
      expect(await listed(true)).toEqual([pin]);
      await stores.pins.lift(pin?.id ?? '', 'ada');
      expect(await stores.pins.add(recorded('v2'), rollback)).toBeUndefined();
      expect(await inForce()).toEqual([]);
    });

    test("it is pinned once if another system reports Firebreak's own rollback first", async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const pin = await stores.pins.add(recorded('v2'), 'chg_reported' as ChangeId);
      expect(await rolledBack(id, 'v2', 'v1')).toEqual(pin);
      expect(await listed(true)).toEqual([pin]);
      expect(await stores.pins.add(recorded('v2'), 'chg_again' as ChangeId)).toBeUndefined();
    });

    describe('pinned without its commit, as by earlier releases,', () => {
      const [A, B] = ['1'.repeat(40), '2'.repeat(40)];

      test('it does not keep another commit of the name from being pinned, once', async () => {
        await stores.pins.add(recorded('6.4'), 'chg_earlier' as ChangeId);
        const other = await stores.pins.add(recorded('6.4', { commit: B }), 'chg_other' as ChangeId);
        expect(other).toMatchObject({ version: '6.4', commit: B });
        expect(await stores.pins.add(recorded('6.4', { commit: B }), 'chg_again' as ChangeId)).toBeUndefined();
        expect(await stores.pins.add(recorded('6.4'), 'chg_again' as ChangeId)).toBeUndefined();
      });

      test('it keeps the commit that was deployed until then from being pinned twice', async () => {
        await deploy('6.4', 600, { commit: A });
        const pin = await stores.pins.add(recorded('6.4'), 'chg_earlier' as ChangeId);
        expect(await stores.pins.add(recorded('6.4', { commit: A }), 'chg_other' as ChangeId)).toBeUndefined();
        expect(await stores.pins.add(recorded('6.4', { commit: B }), 'chg_another' as ChangeId)).toBeDefined();
        expect(await stores.pins.add(recorded('6.4'), 'chg_again' as ChangeId)).toBeUndefined();
        expect(await stores.pins.of(serviceEnvironment)).toContainEqual(pin);
      });

      test('it gets the commit that was deployed until then, before another one is deployed and rolled back', async () => {
        const id = await opened();
        await deploy('v1', 9000);
        await deploy('6.4', 600, { commit: A });
        const pin = await stores.pins.add(recorded('6.4'), 'chg_earlier' as ChangeId);
        const lifted = await stores.pins.add(recorded('v1'), 'chg_lifted' as ChangeId);
        await stores.pins.lift(lifted?.id ?? '', 'ada');
        later(60);
        await deploy('6.4', 30, { commit: B });
        const known = { id: pin?.id, version: '6.4', commit: A };
        expect(await stores.pins.of(serviceEnvironment)).toMatchObject([known]);
        expect(await stores.pins.get(pin?.id ?? '')).toMatchObject(known);
        expect(await rolledBack(id, '6.4 (2222222)', 'v1')).toMatchObject({ commit: B });
        expect(await stores.pins.of(serviceEnvironment)).toMatchObject([{ commit: B }, known]);
      });

      test('it keeps the next rollback of the branch by Firebreak from no pin', async () => {
        const id = await opened();
        await deploy('v1', 9000);
        await stores.pins.add(recorded('6.4'), 'chg_earlier' as ChangeId);
        later(60);
        await deploy('6.4', 30, { commit: B });
        expect(await rolledBack(id, '6.4', 'v1', {})).toMatchObject({ version: '6.4' });
        expect((await stores.pins.of(serviceEnvironment)).map(({ commit }) => commit)).toEqual([B, undefined]);
      });
    });

    test('it stays known bad while a newer version runs, which is named, and after that is rolled back', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const { id: pin } = await rolledBack(id, 'v2', 'v1');
      await deploy('v3', 0);
      expect(await inForce()).toEqual(['v2']);
      const beside = { id: pin, state: 'pinned', newer_version: 'v3', lifted_at: null };
      expect([await stores.pins.get(pin), ...(await listed()), ...(await listed(true))]).toMatchObject(
        Array.from({ length: 3 }, () => beside),
      );
      await rolledBack(id, 'v3', 'v1', { number: 2 });
      expect(await inForce()).toEqual(['v3', 'v2']);
      expect((await listed()).map(({ version }) => version)).toEqual(['v3', 'v2']);
    });

    test.each([
      ['the same version, deployed again', 'v2', 0, {}],
      ['an older deployment, recorded late', 'v0', 7000, {}],
      ['a deployment that has only started', 'v3', 0, { status: 'started' }],
      ['a failed deployment', 'v3', 0, { status: 'failed' }],
      ['a flag', 'v3', 0, { kind: 'flag' }],
      ['a rollback of another version', 'v0', 0, { kind: 'rollback' }],
      ['a deployment of the restored version, which pipelines report like any other', 'v1', 0, {}],
    ])('no newer version runs after %s', async (_, version, secondsAgo, more) => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      await rolledBack(id, 'v2', 'v1');
      await deploy(version, secondsAgo, more);
      expect(await listed()).toMatchObject([{ version: 'v2', newer_version: null }]);
    });

    test('it is not known bad after its automatic rollback was marked as wrong, and others stay so', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      await rolledBack(id, 'v2', 'v1', { automatic: true });
      await deploy('v3', 0);
      await rolledBack(id, 'v3', 'v1', { number: 2 });
      const ada = { name: 'ada', allow: (action: string) => expect(action).not.toBe('versions:write') };
      await markWrong(stores, ada, { id, note: '' });
      expect(await inForce()).toEqual(['v3']);
      expect(await listed(true)).toMatchObject([{ version: 'v3' }, { version: 'v2', lifted_by: 'ada' }]);
    });

    test('it is not known bad after a person lifted the pin; the first person is recorded', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const pin = await rolledBack(id, 'v2', 'v1');
      const lifted = { ...pin, state: 'lifted', lifted_at: stores.clock.now(), lifted_by: 'ada' };
      expect(await stores.pins.lift(pin.id, 'ada')).toEqual(lifted);
      later(1);
      expect(await stores.pins.lift(pin.id, 'bo')).toEqual(lifted);
      expect([await inForce(), await listed(), await listed(true)]).toEqual([[], [], [lifted]]);
    });

    test('an unknown pin cannot be lifted', async () => {
      expect(await stores.pins.get('pin_unknown')).toBeUndefined();
      expect(await stores.pins.lift('pin_unknown', 'ada')).toBeUndefined();
    });

    test('all pins are listed, page by page', async () => {
      const id = await opened();
      await deploy('v1', 90_000);
      for (const [n, version] of ['v2', 'v3', 'v4'].entries()) {
        await deploy(version, 2);
        await rolledBack(id, version, 'v1', { number: n + 1 });
      }
      const found = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await stores.pins.list({ limit: 2, all: true, ...(cursor && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(2);
        found.push(...page.items);
        cursor = page.next_cursor;
      }
      const versions = found.flatMap(({ service, version }) =>
        service === serviceEnvironment.service ? [version] : [],
      );
      expect(versions).toEqual(['v4', 'v3', 'v2']);
    });
  });
});
