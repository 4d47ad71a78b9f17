import { assert, double, property } from 'fast-check';
import { expect, test } from 'vitest';
import { lastingTitle, ruleTitle } from '../../../../core/domain/alerts/lasting-title.ts';

test.each([
  ['orders error rate is 6.392 %', 'orders error rate'],
  ['orders error rate is 6.392%', 'orders error rate'],
  ['orders fails 16 % of its requests', 'orders fails … of its requests'],
  ['Error ratio of checkout: 0.0639204545', 'Error ratio of checkout'],
  ['checkout is slow (p99 = 2.341s)', 'checkout is slow'],
  ['checkout is slow (1.2 s)', 'checkout is slow'],
  ['Latency is currently at 850 ms', 'Latency'],
  ['The certificate of api.example.com expires in 3d 4h 12m', 'The certificate of api.example.com expires'],
  ['The volume data-0 has 1.5GiB left', 'The volume data-0 has … left'],
  ['Traffic rose to 1,250 req/s', 'Traffic rose'],
  ['Error ratio 4.2e-05', 'Error ratio'],
  ['Payment success at 0 %', 'Payment success at …'],
  ['checkout availability is 12 %', 'checkout availability is …'],
  ['Error rate is 41 %, above the limit of 5 %', 'Error rate is …, above the limit of 5 %'],
])('leaves the value out of "%s"', (title, lasting) => expect(lastingTitle(title)).toBe(lasting));

test.each([
  'HighErrorRate',
  'More than 10 % of the requests fail',
  'p99 latency above 500ms for 5m',
  'Errors in the last 15 minutes',
  'checkout burns its 99.9 % objective',
  'checkout answers 503',
  'v1.2.345 of checkout crashes',
  'PostgreSQL 14.2 on 10.0.0.1:5432 is down',
  'Pod checkout-5d-2s restarts',
  '3 of 5 replicas are down',
  'Queue is longer than 5 minutes',
  '41 %',
  'Health check timed out after 30s',
  'No heartbeat since 5 minutes',
  '24h booking API is down',
  '5m error ratio above 1 %',
  'Release 2026.1120 fails',
])('keeps "%s"', (title) => expect(lastingTitle(title)).toBe(title));

test.each([
  ['Queue has 4711 messages', 'Queue has … messages'],
  ['Queue has 12,480 unprocessed messages', 'Queue has … unprocessed messages'],
  ['1532 orders wait', '… orders wait'],
  ['3 of 5 replicas are down', '… of … replicas are down'],
  ['checkout lost 3 pods in 2 zones', 'checkout lost … pods in … zones'],
  ['Queue length is 4711', 'Queue length'],
  ['Messages waiting: 12', 'Messages waiting'],
  ['Backup of shard 7 failed at 10:01', 'Backup of shard 7 failed'],
  ['Backup failed at 2026-11-20 10:01:07 UTC', 'Backup failed'],
  ['2026-11-20T10:01:07.123Z job export failed', '… job export failed'],
  ['Export of 2026-11-20 is missing', 'Export of … is missing'],
  ['At 9:05 PM, checkout had 17 time-outs', 'At …, checkout had … time-outs'],
  ['checkout has 503 items in 16 % of carts', 'checkout has … items in … of carts'],
  ['orders error rate is 6.392 %', 'orders error rate'],
])('the rule of "%s" is "%s"', (title, rule) => expect(ruleTitle(title)).toBe(rule));

test.each([
  'node-3 is down',
  'Shard 7 loses messages',
  'shard 7 is down',
  'Disk 2 errors',
  'Partition: 12',
  'Zone 3 has errors',
  'checkout answers 503',
  '503 errors at checkout',
  'checkout has 404 responses',
  'PostgreSQL 14 replicas lag',
  'PostgreSQL 14.2 on 10.0.0.1:5432 is down',
  'Job #88 failed with exit code 137',
  'Order 4711 failed',
  'Exit status is 137',
  'Error code: 17',
  '2 factor authentication fails',
  'Region eu-west-1 is down',
  'Queue has more than 1000 messages',
  'Queue is over 1000 messages',
  'Release 2026.1120 fails',
  '41',
])('the rule of "%s" keeps its numbers', (title) => expect(ruleTitle(title)).toBe(title));

test('a rule keeps the limit beside a count', () =>
  expect(ruleTitle('Queue has 4711 messages, limit 1000')).toBe('Queue has … messages, limit 1000'));

test('the rule of a long title from outside takes linear time', () => {
  const title = `${'has 1 of 2 '.repeat(10_000)}messages`;
  expect(ruleTitle(ruleTitle(title))).toBe(ruleTitle(title));
});

test('is the same for each value, and for itself', () => {
  assert(
    property(double({ min: 0, max: 100, noNaN: true }), (value) => {
      const title = lastingTitle(`orders fails ${value.toFixed(3)} % of its requests`);
      expect(title).toBe('orders fails … of its requests');
      expect(lastingTitle(title)).toBe(title);
    }),
  );
});

test('takes linear time for a text from outside', () => {
  const title = `${'is='.repeat(300)}x 5 %`;
  expect(lastingTitle(title)).toBe(`${'is='.repeat(300)}x`);
});
