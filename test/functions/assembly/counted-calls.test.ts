import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { countedCalls } from '../../../functions/assembly/counted-calls.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { silent } from '../../support/fake-deps.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ROLLBACK = {
  incident: IncidentId.parse('01KAFTS0G2F5VXGB9Q2P4N7C1D'),
  service: 'checkout',
  environment: 'production',
  reason: 'said in confidence',
};

function observed<T extends object>(port: T): { port: T; lines: unknown[] } {
  const lines: unknown[] = [];
  const titleOf = async () => 'checkout fails';
  const log = { ...silent, warn: (message: string, fields?: object) => void lines.push({ message, ...fields }) };
  return { port: countedCalls('http', port, { counters: { add: async () => undefined }, log, titleOf }), lines };
}

test('a CD system that hangs is logged once, when it has not answered for 10 seconds', async () => {
  const hangs = Promise.withResolvers<{ kind: 'later' }>();
  const { port, lines } = observed({
    rollBack: (_request: object) => hangs.promise,
    status: (_handle: string, _request: object) => hangs.promise,
    scaling: { set: (_request: object) => hangs.promise },
  });
  const calls = [port.rollBack(ROLLBACK), port.status('/rollbacks/1', ROLLBACK), port.scaling.set(ROLLBACK)];
  await vi.advanceTimersByTimeAsync(9_999);
  expect(lines).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  const { reason: _, ...about } = ROLLBACK;
  const line = { message: expect.stringContaining('10 seconds'), vendor: 'http', ...about, alert: 'checkout fails' };
  expect(lines).toEqual(['rollBack', 'status', 'set'].map((call) => ({ ...line, call })));
  hangs.resolve({ kind: 'later' });
  await Promise.all(calls);
});

test('one that answers or fails in time is not logged, nor a call that is no action', async () => {
  const { port, lines } = observed({
    rollBack: async (_request: object) => ({ kind: 'succeeded' }),
    status: async (_request: object) => {
      throw new Error('no connection');
    },
    watchRollouts: (_options: object) => new Promise(() => undefined),
  });
  void port.watchRollouts({ changed: () => undefined });
  await port.rollBack(ROLLBACK);
  await expect(port.status(ROLLBACK)).rejects.toThrow('no connection');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual([]);
});
