import { expect, test } from 'vitest';
import { placedTitle, placeNames, titleBeside } from '../../../../core/domain/messages/place-names.ts';

test.each([
  ['checkout', 'production', null, 'checkout production'],
  ['unmatched', 'production', 'billing', 'billing production'],
  ['unmatched', 'unknown', 'billing', 'billing'],
  ['unmatched', 'production', '', 'unknown service production'],
  ['unmatched', 'unknown', '', 'unknown service'],
])('the place %s %s (%s) is shown as %s', (service, environment, unmatched, shown) => {
  expect(placeNames({ service, environment, unmatched }).join(' ')).toBe(shown);
});

test.each([
  ['unmatched', 'billing', 'billing: Disk is full', 'Disk is full', 'billing: Disk is full'],
  ['unmatched', 'billing', 'Disk is full', 'Disk is full', 'billing: Disk is full'],
  ['unmatched', '', 'billing: Disk is full', 'billing: Disk is full', 'unknown service: billing: Disk is full'],
  ['checkout', null, 'checkout: errors', 'checkout: errors', 'checkout: checkout: errors'],
])('beside the place %s (%s), the title %s is %s', (service, unmatched, title, beside, placed) => {
  const place = { service, environment: 'unknown', unmatched };
  expect(titleBeside(place, title)).toBe(beside);
  expect(placedTitle({ ...place, title })).toBe(placed);
});
