import { describe, expect, test } from 'vitest';
import { type Actor, actorMay, actorOf, type SlackUser, contactsFor } from '../../../../core/domain/people/people.ts';
import { ServicesFile } from '../../../../schemas/config/config.ts';
import { PeopleFile } from '../../../../schemas/people/people.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';

const NOW = Timestamp.parse('2026-11-20T10:00:00.000Z');

const { services } = ServicesFile.parse({
  services: { checkout: { team: 'payments' }, search: { team: 'find' }, constructor: {} },
});

const people = PeopleFile.parse({
  people: {
    ada: { slack: 'U0ADA', name: 'Ada', teams: ['payments'], roles: ['own-services'] },
    grace: { email: 'Grace@acme.example', teams: ['find'], roles: ['own-services'] },
    linus: { slack: 'U0LIN', roles: ['viewer'] },
    root: { slack: 'U0ROOT', roles: ['admin'] },
  },
  roles: { 'own-services': { actions: ['incidents:act'], services: 'own', environments: ['production'] } },
  everyone: 'viewer',
  userGroups: { S0SRE: { roles: ['responder'], teams: ['platform'] } },
});

const known = { people, services };

const user = (id: string, more: Partial<SlackUser> = {}): SlackUser => ({
  id,
  team: 'T0001',
  email: null,
  name: null,
  groups: [],
  kind: 'member',
  ...more,
});

const found = (one: SlackUser, file = people): Actor => {
  const answer = actorOf({ people: file, services }, one);
  if (!answer.ok) throw new Error(answer.because);
  return answer.actor;
};

const may = (actor: Actor, service: string, environment = 'production') =>
  actorMay(actor, 'incidents:act', { service, environment }, NOW).allowed;

describe('the person behind a Slack user', () => {
  test('is determined by ID, regardless of the email address', () => {
    expect(found(user('U0ADA', { email: 'grace@acme.example' }))).toMatchObject({ name: 'ada', shown: 'Ada' });
  });

  test('is determined by the email address verified by Slack, ignoring case', () => {
    expect(found(user('U0NEW', { email: 'GRACE@acme.example' }))).toMatchObject({ name: 'grace', person: 'grace' });
  });

  test('is not determined by an email address that another company controls', () => {
    expect(actorOf(known, user('U0NEW', { email: 'grace@acme.example', kind: 'outsider' }))).toMatchObject({
      ok: false,
    });
  });

  test('is refused for a guest, unless listed', () => {
    expect(actorOf(known, user('U0G', { kind: 'guest', name: 'Guest' }))).toEqual({
      ok: false,
      because: expect.stringContaining('Guest is a guest'),
    });
    expect(found(user('U0ADA', { kind: 'guest' })).name).toBe('ada');
  });

  test('has the default permissions if not listed', () => {
    const other = found(user('U0X'));
    expect(other).toMatchObject({ name: 'slack:U0X', person: null });
    expect(may(other, 'checkout')).toBe(false);
  });

  test('is refused if there are no default permissions', () => {
    const strict = PeopleFile.parse({ everyone: 'nobody' });
    expect(actorOf({ people: strict, services }, user('U0X'))).toMatchObject({ ok: false });
    expect(found(user('U0X')).grants).toHaveLength(1);
  });

  test('has the permissions of an on-call responder without a file', () => {
    const actor = found(user('U0X'), PeopleFile.parse({}));
    expect(may(actor, 'checkout')).toBe(true);
    expect(actorMay(actor, 'tokens:write', {}, NOW).allowed).toBe(false);
  });
});

describe('the permissions of a person', () => {
  test('are limited to services of their teams, and to environments', () => {
    const ada = found(user('U0ADA'));
    expect(may(ada, 'checkout')).toBe(true);
    expect(may(ada, 'checkout', 'staging')).toBe(false);
    expect(may(ada, 'search')).toBe(false);
    expect(may(ada, 'constructor')).toBe(false);
  });

  test('are those of any of their roles, including roles of user groups', () => {
    const linus = user('U0LIN');
    expect(may(found(linus), 'search')).toBe(false);
    expect(may(found({ ...linus, groups: ['S0SRE', 'S0OTHER'] }), 'search')).toBe(true);
  });

  test('come with whom to ask, the team first', () => {
    const scope = { service: 'search', environment: 'production' };
    expect(contactsFor(known, 'incidents:act', scope, NOW)).toEqual(['grace', { user: 'U0ROOT' }, { group: 'S0SRE' }]);
    expect(contactsFor(known, 'tokens:write', {}, NOW)).toEqual([{ user: 'U0ROOT' }]);
  });
});

describe('the file', () => {
  test.each([
    [{ people: { ada: { roles: ['boss'] } } }, 'unknown role "boss"; known roles: viewer, responder, approver, admin'],
    [{ everyone: 'boss' }, 'unknown role "boss"'],
    [{ userGroups: { S0SRE: { roles: ['boss'] } } }, 'unknown role "boss"'],
    [{ people: { a: { slack: 'U0A' }, b: { slack: 'U0A' } } }, 'a and b have the same slack'],
    [{ people: { a: { email: 'x@y.example' }, b: { email: 'X@y.example' } } }, 'a and b have the same email'],
    [{ onCall: { payments: {} } }, 'set either "escalationPolicy" or "schedule"'],
    [{ people: { Ada: {} } }, 'lowercase'],
  ])('%j is rejected: %s', (file, words) => {
    const read = PeopleFile.safeParse(file);
    expect(JSON.stringify(read.error?.issues)).toContain(JSON.stringify(words).slice(1, -1));
  });

  test('is the same after a round trip', () => {
    expect(PeopleFile.parse(people)).toEqual(people);
  });
});
