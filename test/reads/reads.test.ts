import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadsWorld, readsWorld } from './reads-world.ts';

/** Of two services. More than is read of a service for a decision. */
const DEPLOYS = 300;

/** Objectives and freezes. More than a page shows. */
const MORE_THAN_A_PAGE = 110;

/** Open incidents. Their list has four parts, in which they are at random: each has more than is read of it. */
const INCIDENTS = 200;

/** The same items can have longer numbers, and an incident one more entry. */
const LARGER_AT_MOST = 1.1;

let world: ReadsWorld;

beforeAll(async () => {
  world = await readsWorld({ services: 2 * INCIDENTS, deploying: 2 });
});
afterAll(async () => world.close());

test('with twice as many deploys, open incidents, objectives, and freezes, no GET lets the main thread read more', async () => {
  const grow = async (): Promise<void> => {
    await world.deploy(DEPLOYS);
    await world.open(INCIDENTS);
    await world.measure(MORE_THAN_A_PAGE);
    await world.freeze(MORE_THAN_A_PAGE);
  };
  await grow();
  await world.reads(); // the first answers of some create what others read
  const before = await world.reads();
  await grow();
  const after = await world.reads();
  const grown = [...after].flatMap(([path, { items, bytes }]) => {
    const was = before.get(path) ?? { items: 0, bytes: 0 };
    const isMore = items > was.items * LARGER_AT_MOST || bytes > was.bytes * LARGER_AT_MOST;
    return isMore ? [`${path}: ${was.items} → ${items} items, ${was.bytes} → ${bytes} bytes`] : [];
  });
  expect(grown).toEqual([]);
  for (const path of ['/console', '/console/incidents', '/v1/metrics/dora', '/console/digest', '/v1/slos', '/metrics'])
    expect([path, after.get(path)?.status ?? 200]).toEqual([path, 200]); // absent without its feature
});
