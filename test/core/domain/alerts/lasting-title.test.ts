import { assert, double, property } from 'fast-check';
import { expect, test } from 'vitest';
import { lastingTitle } from '../../../../core/domain/alerts/lasting-title.ts';

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
