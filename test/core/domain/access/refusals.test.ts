import { expect, test } from 'vitest';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import { notPermittedText } from '../../../../core/domain/access/refusals.ts';
import { PeopleFile } from '../../../../schemas/people/people.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';

const NOW = Timestamp.parse('2026-11-20T10:00:00.000Z');
const PLACE = { service: 'checkout', environment: 'production' };

const known = (people: object) => ({ people: PeopleFile.parse(people), services: { checkout: { team: 'payments' } } });

const words = (...of: Parameters<typeof notPermittedText>): string =>
  notPermittedText(...of)
    .map((span) => (typeof span === 'string' ? span : Object.values(span).at(-1)))
    .join('');

test('people with the permission are named', () => {
  const people = known({ people: { ada: { slack: 'U0ADA' }, grace: { name: 'Grace' } }, everyone: 'nobody' });
  expect(words(people, 'incidents:write', PLACE, NOW)).toBe(
    "You don't have permission to change incidents for checkout in production. Ask U0ADA, Grace.",
  );
});

test('if no person is listed, the refusal names members who have the permission without being listed', () => {
  expect(words(known({}), 'incidents:write', PLACE, NOW)).toMatch(/Ask any full member of this workspace\.$/);
});

test('if no person has the permission, the refusal says where to grant it', () => {
  expect(words(known({ everyone: 'viewer' }), 'incidents:write', PLACE, NOW)).toMatch(
    /people\.yaml lists no person with this permission\./,
  );
});

test.each([
  [
    'automation:write',
    EVERYWHERE,
    "You don't have permission to change the settings of automation for all services and environments.",
  ],
  [
    'freezes:write',
    { service: 'checkout', environment: null },
    'open and lift freezes for checkout in all environments.',
  ],
  ['freezes:write', { service: null, environment: 'staging' }, 'open and lift freezes for all services in staging.'],
  ['freezes:read', {}, "You don't have permission to view freezes."],
] as const)('%s of %o', (action, scope, said) => {
  expect(words(known({}), action, scope, NOW)).toContain(said);
});
