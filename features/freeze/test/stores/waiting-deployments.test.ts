import { afterAll, beforeAll, expect, test } from 'vitest';
import { WaitingDeploymentTable } from '../../stores/waiting-deployments.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let gates: WaitingDeploymentTable;

beforeAll(async () => {
  stores = await openTable();
  gates = new WaitingDeploymentTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const gate = (id: string): WaitingDeployment => ({
  id,
  repository: 'acme/checkout',
  environment: 'production',
  run: 6789012345,
  deployment_id: '2459887466',
  commit: '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1',
  ref: 'main',
  installation_id: null,
  asked_by: 'alice',
  asked_at: stores.clock.now(),
  sent_decisions: null,
  notes: 0,
  busy_until: null,
  problem: null,
  rev: 0,
});

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

test('a gate is stored once, listed oldest first until it is answered, and stays answered', async () => {
  const first = gate('one');
  expect(await gates.keep(first)).toEqual(first);
  later(1);
  expect(await gates.keep(gate('two'))).toMatchObject({ id: 'two' });
  expect(await gates.keep(gate('one'))).toEqual(first);
  expect((await gates.all()).map(({ id }) => id)).toEqual(['one', 'two']);

  await gates.end(first);
  await gates.end(first);
  expect((await gates.all()).map(({ id }) => id)).toEqual(['two']);
  later(33 * 24 * 3600);
  expect(await gates.keep(gate('one'))).toBeUndefined();
  later(2 * 24 * 3600);
  expect(await gates.keep(gate('one'))).toMatchObject({ id: 'one' });
});

test('of two concurrent changes one succeeds, and an answered gate does not change', async () => {
  const before = gate('three');
  await gates.keep(before);
  const both = await Promise.all([gates.change({ ...before, notes: 1 }), gates.change({ ...before, notes: 2 })]);
  const [won, another] = both.flatMap((one) => one ?? []);
  expect(another).toBeUndefined();
  expect(won).toMatchObject({ id: 'three', rev: 1 });
  expect(await gates.change(before)).toBeUndefined();
  expect(won && (await gates.change({ ...won, sent_decisions: 'frd_1' }))).toMatchObject({
    rev: 2,
    sent_decisions: 'frd_1',
  });
  await gates.end(before);
  expect(won && (await gates.change({ ...won, rev: 2 }))).toBeUndefined();
  expect((await gates.all()).some(({ id }) => id === 'three')).toBe(false);
});
