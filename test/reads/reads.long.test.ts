import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReadsWorld, readsWorld } from './reads-world.ts';

/** A page of incidents with what is shown of each of them, or an item of each of the 320 services of a form. */
const ITEMS_MAX = 350;
const BYTES_MAX = 256 * 1024;

let world: ReadsWorld;

beforeAll(async () => {
  world = await readsWorld({ services: 320, deploying: 320 });
  await world.deploy(12_000);
  await world.open(300);
  await world.measure(100);
  await world.freeze(320);
});
afterAll(async () => world.close());

test('with 12,000 deploys, 300 freezing incidents, 320 freezes, and 100 objectives, each GET lets the main thread read a page', async () => {
  const large = [...(await world.reads())].flatMap(([path, { items, bytes }]) =>
    items > ITEMS_MAX || bytes > BYTES_MAX ? [`${path}: ${items} items, ${bytes} bytes`] : [],
  );
  expect(large).toEqual([]);
});
