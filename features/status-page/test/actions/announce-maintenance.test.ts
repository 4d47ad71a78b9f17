import { expect, test } from 'vitest';
import { announceMaintenance } from '../../actions/subscriptions/announce-maintenance.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { StoredProjections } from '../../../../test/vendors/projectors/stored-projections.ts';

const planned = (id: string, components: string[]) => ({
  id,
  title: 'Upgrade',
  components,
  announced: '2026-11-20T12:00:00Z',
  from: '2026-11-22T12:00:00Z',
  until: '2026-11-22T13:00:00Z',
  text: 'Read-only.',
});

const config = Config.parse({
  version: 'test',
  services: {},
  paging: {},
  statusPage: {
    pages: {
      main: { subscriptions: ['email'], components: ['Search'] },
      partners: { components: ['Partner API'] },
    },
    maintenance: [planned('search', ['Search']), planned('partner', ['Partner API'])],
  },
});

test('a maintenance is marked at each of its times until the projector has seen it, on pages with subscriptions', async () => {
  const clock = new SetClock('2026-11-20T11:59:00.000Z');
  const projections = new StoredProjections(clock);
  const marked = async (time: string): Promise<string[]> => {
    clock.set(Date.parse(time));
    await announceMaintenance({
      clock,
      projections,
      config: { current: async () => config, problems: async () => [] },
    });
    const due = await projections.due('subscribers');
    for (const one of due) await projections.settle('subscribers', one, null);
    return due.map(({ subject }) => subject);
  };
  const seen = (updates: number) => projections.write('subscribers', 'maintenance:search', { updates });

  expect(await marked('2026-11-20T11:59:00Z')).toEqual([]);
  expect(await marked('2026-11-20T12:00:30Z')).toEqual(['maintenance:search']);
  expect(await marked('2026-11-20T12:01:30Z'), 'not seen yet').toEqual(['maintenance:search']);
  await seen(1);
  expect(await marked('2026-11-20T12:02:30Z')).toEqual([]);
  expect(await marked('2026-11-22T12:00:30Z')).toEqual(['maintenance:search']);
  await seen(2);
  expect(await marked('2026-11-22T13:00:30Z')).toEqual(['maintenance:search']);
  await seen(3);
  expect(await marked('2026-11-22T13:01:30Z')).toEqual([]);
  expect(await marked('2026-12-01T00:00:00Z')).toEqual([]);
});
