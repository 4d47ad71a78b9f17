import { expect, test } from 'vitest';
import { pageKey } from '../../../core/domain/paging/pages.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { about, Receiver } from '../../../test/core/actions/paging/webhooks.ts';
import { FakeWorld, idleEngine } from '../../../test/support/fake-deps.ts';
import { arrivals, signal } from '../../../test/support/signals.ts';
import { fires, theIncident } from '../../../test/workflows/play.ts';
import { bytesOf, RECORDING_MAX_BYTES } from '../actions/recording-bytes.ts';
import { recordingOf, recordings } from '../actions/recordings.ts';

test('a recording names the people whom PagerDuty notified of a page', async () => {
  const receiver = new Receiver();
  const { world } = receiver;
  world.engine = idleEngine();
  world.config = Config.parse({
    version: 'test',
    services: { checkout: { environments: { production: {} } } },
    paging: {},
    people: { people: { ada: { name: 'Ada', pagerduty: 'PTUXL6G' } } },
  });
  await fires()(world);
  const id = theIncident(world);
  const key = pageKey(id, 1);
  const effect = { key, kind: 'page', target: 'pagerduty', class: 'keyed', detail: '' } as const;
  await world.deps.effects.intend(id, effect, { page: 1 });
  await world.deps.effects.conclude(id, key, 'succeeded', 'paged');
  await receiver.happens(about('webhook-incident-triggered', { key }));
  const { pages } = await recordingOf(world.deps, id);
  expect(pages).toEqual([{ number: 1, at: expect.any(String), recipients: ['ada'] }]);
});

test('the recording of a large incident has a limit, and so has a list of recordings', async () => {
  const { deps } = new FakeWorld();
  const admit = async (service: string, count: number) => {
    const signals = Array.from({ length: count }, (_, n) =>
      signal({
        service: service as ServiceName,
        fingerprint: `${service} ${n}`,
        annotations: [['hint', 'slow pod '.repeat(2000)]],
      }),
    );
    return (await deps.incidents.admit(arrivals(signals), { at: deps.clock.now(), trace: 'trace' })).opened[0];
  };
  for (const service of ['cart', 'search']) await admit(service, 150);
  const id = await admit('checkout', 300);
  if (id === undefined) return expect.unreachable();

  const large = await recordingOf(deps, id);
  expect(bytesOf(large)).toBeLessThanOrEqual(RECORDING_MAX_BYTES);
  expect(large).toMatchObject({ truncated: false, left_out: ['annotations'] });
  expect(large.signals).toHaveLength(300);
  const page = await recordings(deps, { seconds: 90 * 24 * 3600, limit: 10 }, () => true);
  expect(bytesOf(page.items)).toBeLessThanOrEqual(RECORDING_MAX_BYTES + 10);
  expect(page.items.map(({ service }) => service)).toEqual(['checkout', 'search']);
  expect(page.next_cursor).not.toBeNull();
});
