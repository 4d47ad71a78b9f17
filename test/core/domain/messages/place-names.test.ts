import { expect, test } from 'vitest';
import { placeNames } from '../../../../core/domain/messages/place-names.ts';

test.each([
  ['checkout', 'production', null, 'checkout production'],
  ['unmatched', 'production', 'billing', 'billing production'],
  ['unmatched', 'unknown', 'billing', 'billing'],
  ['unmatched', 'production', '', 'unknown service production'],
  ['unmatched', 'unknown', '', 'unknown service'],
])('the place %s %s (%s) is shown as %s', (service, environment, unmatched, shown) => {
  expect(placeNames({ service, environment, unmatched }).join(' ')).toBe(shown);
});
