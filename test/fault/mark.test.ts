import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test } from 'vitest';
import { ProjectionTable } from '../../aws/table/incidents/projections.ts';
import { Table } from '../../aws/table/core/table.ts';
import { startDynamoDb } from '../../local/aws/dynamodb/start.ts';
import { createTable } from '../../local/state/resources.ts';
import type { Subject, ProjectionTargetName } from '../../schemas/incidents/projection.ts';
import { SetClock, silent } from '../support/fake-deps.ts';
import { faultProxy } from '../support/fault-proxy.ts';

const credentials = { accessKeyId: 'mark-test', secretAccessKey: 'not checked' };
const SUBJECTS = 20;

test('a recorded change wakes the projector, even if the response to the write is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-fault-mark-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const database = await startDynamoDb({ file: join(folder, 'dynamodb.sqlite'), accessKeyId: credentials.accessKeyId });
  onTestFinished(() => database.close());
  const proxy = await faultProxy({
    upstream: database.url,
    service: 'dynamodb',
    seed: 3,
    rates: { 'lost-answer': 0.3 },
  });
  onTestFinished(() => proxy.close());
  const [direct, faulty] = [database.url, proxy.url].map(
    (endpoint) => new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 10 }),
  ) as [DynamoDBClient, DynamoDBClient];
  await createTable(direct, 'firebreak');
  let woken = 0;
  const wake = async (target: ProjectionTargetName): Promise<void> => void (woken += Number(target === 'grafana'));
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const projections = new ProjectionTable(new Table(faulty, 'firebreak'), clock, wake, silent);
  for (let n = 1; n <= SUBJECTS; n += 1) {
    const subject: Subject = `change:${n}`;
    await projections.changed(subject);
    expect(woken, `after ${proxy.log.length} lost responses`).toBe(n);
    await projections.changed(subject);
    expect(woken, 'a projector is not woken twice for one change').toBeLessThanOrEqual(n + 1);
    woken = n;
  }
  expect(proxy.log.length).toBeGreaterThan(0);
  for (const client of [direct, faulty]) client.destroy();
});
