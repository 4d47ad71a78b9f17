import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadsWorld, readsWorld } from './reads-world.ts';

/** Of two services. More than is read of a service for a decision. */
const DEPLOYS = 300;

/** The same items can have longer numbers. */
const LARGER_AT_MOST = 1.1;

let world: ReadsWorld;

beforeAll(async () => {
  world = await readsWorld({ services: 2, incidents: 2, objectives: 4 });
});
afterAll(async () => world.close());

test('with twice as many deploys, no GET of the API or of the console lets the main thread read more', async () => {
  await world.deploy(DEPLOYS);
  await world.reads(); // the first answers of some create what others read
  const before = await world.reads();
  await world.deploy(DEPLOYS);
  const after = await world.reads();
  const grown = [...after].flatMap(([path, { items, bytes }]) => {
    const was = before.get(path) ?? { items: 0, bytes: 0 };
    const isMore = items > was.items || bytes > was.bytes * LARGER_AT_MOST;
    return isMore ? [`${path}: ${was.items} → ${items} items, ${was.bytes} → ${bytes} bytes`] : [];
  });
  expect(grown).toEqual([]);
  for (const path of [
    '/v1/metrics/dora',
    '/v1/metrics/dora/records',
    '/console/delivery',
    '/console/digest',
    '/metrics',
  ])
    expect([path, after.get(path)?.status ?? 200]).toEqual([path, 200]); // absent without its feature
});
