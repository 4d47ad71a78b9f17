import { DynamoDBClient, TransactionInProgressException } from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DynamoStore } from '../../../platforms/aws/dynamodb-store.ts';
import { absent, put } from '../../../platforms/store.ts';
import { startTable } from '../../support/aws/dynamodb.ts';
import { clientOptions } from '../../support/aws/server.ts';
import { type FaultProxy, faultProxy, type FaultRates } from '../../support/fault-proxy.ts';
import { storeConformance } from '../store-conformance.ts';

storeConformance('DynamoDB', async () => {
  const { client, close } = await startTable();
  return { store: new DynamoStore(client, 'firebreak'), close };
});

/** The SDK waits half a second before it repeats a call that was throttled or is in progress. */
const RATES = {
  'stale-read': 0.5,
  'transaction-conflict': 0.1,
  'transaction-in-progress': 0.005,
  'partial-batch': 0.5,
  'throughput-exceeded': 0.005,
  throttled: 0.005,
  'internal-error': 0.05,
  'lost-answer': 0.1,
  'late-answer': 0.1,
} as const satisfies FaultRates<'dynamodb'>;

describe('while DynamoDB throttles, conflicts, responds late, returns stale data, or does not respond', () => {
  let proxy: FaultProxy;

  storeConformance(
    'DynamoDB',
    async () => {
      const { url, close } = await startTable();
      proxy = await faultProxy({ upstream: url, service: 'dynamodb', seed: 7, rates: RATES, lateMs: 5, staleMs: 20 });
      const client = new DynamoDBClient({ ...clientOptions(proxy.url), maxAttempts: 10 });
      return {
        store: new DynamoStore(client, 'firebreak'),
        close: async () => {
          client.destroy();
          await proxy.close();
          await close();
        },
      };
    },
    { isFaulty: true },
  );

  test('each fault happened', () => {
    const happened = new Set(proxy.log.map(({ fault }) => fault));
    expect([...happened].toSorted()).toEqual(Object.keys(RATES).toSorted());
  });
});

test('does not mistake its own transaction, which succeeded while reported as in progress, for another one', async () => {
  const { client, close } = await startTable();
  onTestFinished(() => close());
  let isReported = false;
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const done = await next(args);
        if (commandName !== 'TransactWriteItemsCommand' || isReported) return done;
        isReported = true;
        throw new TransactionInProgressException({ message: 'in progress', $metadata: {} });
      },
    { step: 'initialize' },
  );
  const store = new DynamoStore(client, 'firebreak');
  expect(await store.write([put({ pk: 'IN', sk: 'PROGRESS' }, absent)])).toEqual({ ok: true });
  expect(isReported).toBe(true);
});
