import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadsWorld, readsWorld } from './reads-world.ts';

const INCIDENTS = 300;

/** Pages that show what is open read two items of each open incident, up to three times; everything else is less than that. */
const ITEMS_MAX = 6 * INCIDENTS;
const BYTES_MAX = 1.5 * 1024 * 1024;

let world: ReadsWorld;

beforeAll(async () => {
  world = await readsWorld({ services: 320, incidents: INCIDENTS, objectives: 100 });
  await world.deploy(12_000);
});
afterAll(async () => world.close());

test('with 12,000 deploys, 300 open incidents, and 100 objectives, each GET lets the main thread read little', async () => {
  const large = [...(await world.reads())].flatMap(([path, { items, bytes }]) =>
    items > ITEMS_MAX || bytes > BYTES_MAX ? [`${path}: ${items} items, ${bytes} bytes`] : [],
  );
  expect(large).toEqual([]);
});
