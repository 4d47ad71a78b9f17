import { afterAll, beforeAll, expect, test } from 'vitest';
import { at } from '../../../test/entrances/cli/support.ts';
import { minutesAgo } from '../../../test/support/alerts.ts';
import { Firebreak } from '../../../test/support/firebreak.ts';

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: { environments: { production: {} } } },
    env: { LOG_LEVEL: 'warn' },
  });
  for (const [version, started, finished] of [
    ['v1', 90, 85],
    ['v2', 5, 3],
  ] as const)
    await firebreak.request('POST', '/v1/deployments', {
      service: 'checkout',
      environment: 'production',
      version,
      started_at: minutesAgo(started),
      finished_at: minutesAgo(finished),
    });
});
afterAll(() => firebreak?.remove());

test('report dora prints the figures, the records behind one, and CSV', async () => {
  const of = ['--service', 'checkout', '--window', '7d'];
  const { out } = await at(firebreak, 'report', 'dora', ...of);
  expect(out).toMatch(/Deployment frequency +0\.286 per day +- +2 deploys\n/);
  expect(out).toMatch(/Pending deploys +1 /);
  expect(out).not.toMatch(/[a-z]_[a-z]/);
  expect(out).not.toMatch(/\b1 (deploys|incidents|commits)\b/);
  const records = await at(firebreak, 'report', 'dora', ...of, '--records', 'pending');
  expect(records.out).toMatch(/checkout\/production +v2 +deploy +- +- +pending\n/);
  const csv = await at(firebreak, 'report', 'dora', ...of, '--csv');
  expect(csv.out).toContain('\npending,1,deployments,,1');
  const json = await at(firebreak, 'report', 'dora', ...of, '--json');
  expect(JSON.parse(json.out)).toMatchObject({ pending: 1, change_failure_rate: { value: 0, deploys: 1 } });
});
