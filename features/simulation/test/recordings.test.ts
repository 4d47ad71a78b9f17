import { expect, test } from 'vitest';
import { pageKey } from '../../../core/paging/decisions/pages.ts';
import { Config } from '../../../schemas/config/config.ts';
import { about, Receiver } from '../../../test/core/paging/actions/webhooks.ts';
import { idleEngine } from '../../../test/support/fake-deps.ts';
import { fires, theIncident } from '../../../test/workflows/play.ts';
import { recordingOf } from '../actions/recordings.ts';

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
