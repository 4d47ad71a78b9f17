import { afterAll, beforeAll, expect, test } from 'vitest';
import { RollbackGateTable } from '../../../../core/stores/rollback/rollback-gates.ts';
import { RollbackGateRequest } from '../../../../schemas/rollback/gate-request.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

let stores: TableStores;
let gates: RollbackGateTable;

beforeAll(async () => {
  stores = await openTable();
  gates = new RollbackGateTable(stores.table);
});
afterAll(() => stores.close());

const wish = (key: string, more: object = {}): RollbackGateRequest =>
  RollbackGateRequest.parse({
    service: 'checkout',
    environment: 'production',
    canary: 'shop/checkout',
    incident_id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
    key,
    from: 'v42',
    to: 'v41',
    rollout: '85d557f47b',
    checksum: '85d557f47b',
    other_checksum: null,
    at: '2026-11-20T12:00:00.000Z',
    state: 'open',
    ...more,
  });

test('a service and environment has one request, the newest', async () => {
  const at = wish('a');
  expect(await gates.get(at)).toBeUndefined();
  await gates.store(at);
  expect(await gates.get(at)).toEqual(at);
  await gates.store(wish('b'));
  expect(await gates.get(at)).toEqual(wish('b'));
  expect(await gates.get({ ...at, environment: wish('a', { environment: 'staging' }).environment })).toBeUndefined();
});

test('only the action that made the request can end it, or see another rollout', async () => {
  const at = wish('c');
  await gates.store(at);
  await gates.recordMismatch(at, 'b', '69bc4d7f8');
  await gates.clear(at, 'b');
  expect(await gates.get(at)).toEqual(at);
  await gates.recordMismatch(at, 'c', '69bc4d7f8');
  expect(await gates.get(at)).toEqual({ ...at, other_checksum: '69bc4d7f8' });
  await gates.clear(at, 'c');
  expect(await gates.get(at)).toEqual({ ...at, other_checksum: '69bc4d7f8', state: 'over' });
});

test('without a request, nothing is ended', async () => {
  const elsewhere = wish('a', { service: 'cart' });
  await gates.clear(elsewhere, 'a');
  expect(await gates.get(elsewhere)).toBeUndefined();
});
