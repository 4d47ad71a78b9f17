import { expect, test } from 'vitest';
import { EVERYWHERE } from '../../domain/access.ts';
import { mayNot } from '../../domain/may-not.ts';
import { PeopleFile } from '../../schemas/people.ts';
import { Timestamp } from '../../schemas/time.ts';

const NOW = Timestamp.parse('2026-11-20T10:00:00.000Z');
const PLACE = { service: 'checkout', environment: 'production' };

const known = (people: object) => ({ people: PeopleFile.parse(people), services: { checkout: { team: 'payments' } } });

const words = (...of: Parameters<typeof mayNot>): string =>
  mayNot(...of)
    .map((span) => (typeof span === 'string' ? span : Object.values(span).at(-1)))
    .join('');

test('people with the permission are named', () => {
  const people = known({ people: { ada: { slack: 'U0ADA' }, grace: { name: 'Grace' } }, everyone: 'nobody' });
  expect(words(people, 'incidents:write', PLACE, NOW)).toBe(
    'You may not change incidents of checkout in production. Ask U0ADA, Grace.',
  );
});

test('if nobody is listed, the refusal names members who have the permission without being listed', () => {
  expect(words(known({}), 'incidents:write', PLACE, NOW)).toMatch(/Any full member of this workspace may/);
});

test('if nobody has the permission, the refusal says where to grant it', () => {
  expect(words(known({ everyone: 'viewer' }), 'incidents:write', PLACE, NOW)).toMatch(
    /Nobody who may is listed in people\.yaml/,
  );
});

test.each([
  ['automation:write', EVERYWHERE, 'You may not switch automation off and on for all services everywhere.'],
  [
    'freezes:write',
    { service: 'checkout', environment: null },
    'open and lift freezes of checkout in all environments.',
  ],
  ['freezes:write', { service: null, environment: 'staging' }, 'open and lift freezes of all services in staging.'],
  ['freezes:read', {}, 'You may not see freezes.'],
] as const)('%s of %o', (action, scope, said) => {
  expect(words(known({}), action, scope, NOW)).toContain(said);
});
