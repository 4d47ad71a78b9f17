import { describe, expect, test } from 'vitest';
import type { AutomationInput } from '../../../../schemas/access/access.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { later, opened, acts, stores, serviceEnvironment, inTheTable } from '../../stores/promises.ts';

inTheTable(() => {
  describe('the error budget of automation', () => {
    const agreed = { automatic: false }; // the limit for all services must not apply here
    const demoted = async () =>
      Object.keys((await stores.automation.read()).demoted).includes(serviceEnvironment.service);
    const promoted = (mode: 'act' | 'approve' | 'suggest' | null) =>
      stores.automation.write({ services: { [serviceEnvironment.service]: { mode, environments: {} } } }, 'person:ada');

    /** Runs one action after the other; `x` was wrong. */
    async function done(id: IncidentId, what: string): Promise<string[]> {
      const input = [];
      for (const [n, one] of [...what].entries()) {
        const key = `${id}.act-${stores.clock.millis}-${n}`;
        await acts(id, key, agreed);
        later(1);
        if (one === 'x') input.push(...(await stores.automation.markWrong(id, key, 'not healthy')).demoted);
      }
      return input;
    }

    test.each([
      ['x', false],
      ['ooxoo', false],
      ['xx', true],
      [`x${'o'.repeat(18)}x`, true],
      [`x${'o'.repeat(19)}x`, false],
    ])('of twenty actions, two may not be wrong: %s', async (what, spent) => {
      const input = await done(await opened(), what);
      expect([await demoted(), input]).toEqual([spent, spent ? [serviceEnvironment.service] : []]);
    });

    test('a wrong action counts once', async () => {
      const id = await opened();
      await acts(id, 'once', agreed);
      const wrong = { acts: ['once'], demoted: [] };
      expect(await stores.automation.markWrong(id, 'once', 'not healthy')).toEqual(wrong);
      expect(await stores.automation.markWrong(id, 'once', 'not healthy')).toEqual(wrong);
      expect(await stores.automation.markWrong(id, null, 'says ada')).toEqual(wrong);
      expect(await demoted()).toBe(false);
    });

    test('a mark of a person covers all automatic actions for the incident, and no others', async () => {
      const id = await opened();
      const { id: elsewhere } = await stores.incidents.declare({
        ...serviceEnvironment,
        environment: 'other' as EnvironmentName,
        title: '',
        severity: 'info',
        by: '',
        trace: '',
      });
      await acts(id, `${id}.1`, agreed);
      await acts(elsewhere, `${elsewhere}.1`, agreed);
      expect(await stores.automation.markWrong(id, null, 'says ada')).toEqual({ acts: [`${id}.1`], demoted: [] });
      expect(await stores.automation.markWrong(elsewhere, null, 'says ada')).toEqual({
        acts: [`${elsewhere}.1`],
        demoted: [serviceEnvironment.service],
      });
    });

    test('a manual rollback does not count against automation', async () => {
      const id = await opened();
      for (const n of [1, 2, 3]) await acts(id, `${id}.${n}`, { ...agreed, isProposed: false });
      expect(await stores.automation.markWrong(id, null, 'says ada')).toEqual({ acts: [], demoted: [] });
      expect(await demoted()).toBe(false);
    });

    test('an action on another service counts against that service', async () => {
      const id = await opened();
      const theirs = { ...serviceEnvironment, service: `${serviceEnvironment.service}-b` as ServiceName };
      for (const n of [1, 2]) await acts(id, `${id}.${n}`, { ...agreed, serviceEnvironment: theirs });
      expect(await stores.automation.markWrong(id, null, 'says ada')).toEqual({
        acts: [`${id}.1`, `${id}.2`],
        demoted: [theirs.service],
      });
      expect(await demoted()).toBe(false);
      expect((await stores.automation.read()).demoted).toHaveProperty([theirs.service]);
    });

    test('is spent until a person sets the mode of the service, and then begins anew', async () => {
      const id = await opened();
      await done(id, 'xx');
      await stores.automation.write({ paused: false, mode: null }, 'person:ada');
      await stores.automation.write({ services: {} }, 'person:ada');
      const lab = { environments: { lab: 'shadow' as const } };
      await stores.automation.write({ services: { [serviceEnvironment.service]: lab } }, 'person:ada');
      expect(await demoted()).toBe(true);
      for (const mode of ['approve', 'suggest'] as const) {
        await promoted(mode);
        expect(await demoted()).toBe(true);
      }
      later(1);
      expect((await promoted('act')).demoted).not.toHaveProperty([serviceEnvironment.service]);
      expect(await done(id, 'x')).toEqual([]);
      expect(await done(id, 'x')).toEqual([serviceEnvironment.service]);
      later(1);
      await promoted(null);
      expect(await demoted()).toBe(false);
    });

    test('a partial write keeps the other settings', async () => {
      await stores.automation.write({ paused: true, reason: 'drill', mode: 'suggest' }, 'person:ada');
      await promoted('act');
      expect(await stores.automation.read()).toMatchObject({ paused: true, reason: 'drill', mode: 'suggest' });
      await stores.automation.write({ paused: false, reason: null, mode: null, services: {} }, 'person:ada');
    });
  });

  describe('the kill switch', () => {
    test('has the last written value', async () => {
      const written = await stores.automation.write(
        {
          paused: true,
          reason: 'drill',
          mode: 'suggest',
          services: { checkout: { mode: null, environments: { production: 'shadow' } } },
        },
        'person:ada',
      );
      expect(written).toMatchObject({ paused: true, by: 'person:ada', at: stores.clock.now() });
      expect(await stores.automation.read()).toEqual(written);
    });

    test('has no reason of a pause that has ended', async () => {
      await stores.automation.write({ paused: true, reason: 'drill' }, 'person:ada');
      expect(await stores.automation.write({ paused: false }, 'person:ada')).toMatchObject({ reason: null });
      await stores.automation.write({ paused: true, reason: 'drill' }, 'person:ada');
      const resumed = { paused: false, reason: 'drill is over' };
      expect(await stores.automation.write(resumed, 'person:ada')).toMatchObject(resumed);
    });

    test('keeps omitted limits, and removes those set to null', async () => {
      const write = async (input: NonNullable<AutomationInput['services']>) => {
        const written = await stores.automation.write({ services: input }, 'person:ada');
        return Object.fromEntries(
          Object.entries(written.services).filter(([key]) => key.startsWith(serviceEnvironment.service)),
        );
      };
      const [one, another] = [`${serviceEnvironment.service}-one`, `${serviceEnvironment.service}-other`];
      await write({ [one]: { mode: 'approve', environments: { production: 'shadow', staging: 'act' } } });
      const both = await write({ [another]: { mode: 'suggest' } });
      expect(both).toEqual({
        [one]: { mode: 'approve', environments: { production: 'shadow', staging: 'act' } },
        [another]: { mode: 'suggest', environments: {} },
      });
      expect(await write({})).toEqual(both);
      expect(await write({ [one]: { environments: { production: null, lab: 'suggest' } } })).toMatchObject({
        [one]: { mode: 'approve', environments: { staging: 'act', lab: 'suggest' } },
      });
      expect(await write({ [one]: { mode: null } })).toMatchObject({
        [one]: { mode: null, environments: { staging: 'act', lab: 'suggest' } },
      });
      expect(await write({ [one]: null })).toEqual({ [another]: { mode: 'suggest', environments: {} } });
      expect(await write({ [another]: null })).toEqual({});
    });

    test('applies all concurrent changes', async () => {
      const names = ['a', 'b', 'c'].map((letter) => `${serviceEnvironment.service}-${letter}`);
      await Promise.all([
        ...names.map((cap) => stores.automation.write({ services: { [cap]: { mode: 'shadow' } } }, 'person:ada')),
        stores.automation.write({ paused: true }, 'person:bo'),
      ]);
      const set = await stores.automation.read();
      expect([set.paused, names.map((cap) => set.services[cap]?.mode)]).toEqual([true, ['shadow', 'shadow', 'shadow']]);
      const none = Object.fromEntries(names.map((cap) => [cap, null]));
      await stores.automation.write({ paused: false, services: none }, 'person:ada');
    });
  });
});
