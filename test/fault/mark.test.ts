import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test } from 'vitest';
import { ProjectionTable } from '../../core/stores/incidents/projections.ts';
import { Table } from '../../core/stores/table.ts';
import { startTable } from '../support/aws/dynamodb.ts';
import { clientOptions } from '../support/aws/server.ts';
import type { Subject, ProjectionTargetName } from '../../schemas/incidents/projection.ts';
import { SetClock, silent } from '../support/fake-deps.ts';
import { faultProxy } from '../support/fault-proxy.ts';
import { DynamoStore } from '../../platforms/aws/dynamodb-store.ts';

const SUBJECTS = 20;

test('a recorded change wakes the projector, even if the response to the write is lost', async () => {
  const database = await startTable();
  onTestFinished(() => database.close());
  const proxy = await faultProxy({
    upstream: database.url,
    service: 'dynamodb',
    seed: 3,
    rates: { 'lost-answer': 0.3 },
  });
  onTestFinished(() => proxy.close());
  const faulty = new DynamoDBClient({ ...clientOptions(proxy.url), maxAttempts: 10 });
  let woken = 0;
  const wake = async (target: ProjectionTargetName): Promise<void> => void (woken += Number(target === 'grafana'));
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const projections = new ProjectionTable(new Table(new DynamoStore(faulty, 'firebreak')), clock, wake, silent);
  for (let n = 1; n <= SUBJECTS; n += 1) {
    const subject: Subject = `change:${n}`;
    await projections.changed(subject);
    expect(woken, `after ${proxy.log.length} lost responses`).toBe(n);
    await projections.changed(subject);
    expect(woken, 'a projector is not woken twice for one change').toBeLessThanOrEqual(n + 1);
    woken = n;
  }
  expect(proxy.log.length).toBeGreaterThan(0);
  faulty.destroy();
});
