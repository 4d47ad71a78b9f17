import { expect, test } from 'vitest';
import { retryAfterSeconds } from '../../vendors/shared/http.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

test.each([
  ['30', 30],
  ['0', 0],
  ['-5', 0],
  [' 1.5 ', 1.5],
  ['Fri, 20 Nov 2026 12:01:00 GMT', 60],
  ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
  ['999999', 3600],
  ['Fri, 20 Nov 2036 12:00:00 GMT', 3600],
  ['soon', null],
  ['', null],
])('Retry-After: %s is %s', (value, seconds) => {
  expect(retryAfterSeconds(new Headers({ 'retry-after': value }), NOW)).toBe(seconds);
});

test('without the header, the result is null', () => {
  expect(retryAfterSeconds(new Headers(), NOW)).toBeNull();
});
