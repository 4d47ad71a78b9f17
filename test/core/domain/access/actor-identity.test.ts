import { describe, expect, test } from 'vitest';
import {
  actorNameOf,
  mayDecide,
  isSameActor,
  isSamePerson,
  whyReservedForPerson,
  whyReserved,
} from '../../../../core/domain/access/actor-identity.ts';
import { PeopleFile } from '../../../../schemas/people/people.ts';

describe('two names', () => {
  test.each([
    ['ada', 'Ada'],
    ['ada lovelace', ' ada\t\nlovelace '],
    ['alice', 'al ice'],
    ['ada lovelace', 'ada\u00a0\u3000love lace'],
    ['ada', 'a\u200bd\u2060a'],
    ['ada', 'ａｄａ'],
    ['zoë', 'zoe\u0308'],
    ['straße', 'STRASSE'.replace('SS', '\u1e9e')],
    ['fish', 'ﬁsh'],
  ])('are equal: %j and %j', (one, other) => expect(isSameActor(one, other)).toBe(true));

  test.each([
    ['ada', 'adam'],
    ['zoe', 'zoë'],
    // Letters of another script: lookalikes cannot be prevented or recognized.
    ['ada', '\u0430da'],
  ])('are different: %j and %j', (one, other) => expect(isSameActor(one, other)).toBe(false));
});

describe('a name', () => {
  const OVERRIDES = ['freezes:override'];

  test.each([
    'Admin',
    'evaluation',
    'firebreak:quiet',
    'GitHub:acme/shop',
    'slack',
    ' ',
    '\u200b',
    'x (Token of bob)',
    'x （token of bob）',
  ])('is reserved for tokens that decide: %j', (name) =>
    expect(whyReserved(name, OVERRIDES)).toEqual(expect.stringContaining('name ')),
  );

  test.each([
    ['alertmanager', ['alerts:write']],
    ['flagger', ['flagger:gate']],
    ['ada', OVERRIDES],
    ['github-actions', ['freezes:check', 'deployments:write']],
  ])('is available: %j for a token that may %j', (name, actions) => expect(whyReserved(name, actions)).toBeUndefined());

  test('must be unique for every action that decides', () => {
    expect([['*'], OVERRIDES, ['alerts:write', 'tokens:write']].map(mayDecide)).toEqual([true, true, true]);
    expect([['alerts:write'], ['freezes:check', 'freezes:read'], []].map(mayDecide)).toEqual([false, false, false]);
  });
});

describe('a token acts', () => {
  test.each([
    ['under its name where the admin token created it', 'ada', 'admin', 'ada'],
    ['under its name where a token of that name created it', 'ada', 'Ada', 'ada'],
    ['with its creator otherwise', 'bot', 'ada', 'bot (token of ada)'],
    ['with the person behind its creator', 'second', 'bot (token of ada)', 'second (token of ada)'],
    ['under its name where its own creator is behind it', 'ada', 'bot (token of ada)', 'ada'],
    ['not as the person with the same name', 'bob', 'ada', 'bob (token of ada)'],
  ])('%s', (_, name, created_by, expected) => expect(actorNameOf({ name, created_by })).toBe(expected));

  test.each([
    ['ada', 'Ada', true],
    ['ada', 'bot (token of ada)', true],
    ['bot (token of ada)', 'other (token of Ada)', true],
    ['bob', 'bob (token of ada)', false],
    ['bob (token of ada)', 'eve (token of bob)', false],
    ['ada', 'bob', false],
    ['admin', 'ada', false],
  ])('counts as one person: %j and %j: %j', (one, other, same) => {
    expect([isSamePerson(one, other), isSamePerson(other, one)]).toEqual([same, same]);
  });
});

describe('a name from people.yaml', () => {
  const people = PeopleFile.parse({
    people: { ada: { name: 'Ada Park', email: 'ada@example.com', slack: 'U024BE7LH', pagerduty: 'PTUXL6G' }, bob: {} },
  });

  test.each([
    ['ada', 'admin', undefined],
    ['Ada', 'ada', undefined],
    ['ada', 'laptop (token of ada)', undefined],
    ['ada', 'bob', true],
    ['ada', 'ada (token of bob)', true],
    ['ada', 'ci', true],
    ['Ada Park', 'admin', false],
    ['ADA@example.com', 'ada', false],
    ['U024BE7LH', 'bob', false],
    ['ptuxl6g', 'bob', false],
    ['carol', 'bob', undefined],
  ])('%j is refused for a token created by %j: forbidden %j', (name, by, forbidden) => {
    expect(whyReservedForPerson(name, people, by)?.forbidden).toBe(forbidden);
  });

  test('is refused with a suggestion', () => {
    expect(whyReservedForPerson('ada', people, 'bob')?.text).toBe(
      '"ada" is a person in people.yaml: only the admin token or a token of ada can create a token with this name',
    );
    expect(whyReservedForPerson('Ada Park', people, 'admin')?.text).toBe(
      '"Ada Park" is ada in people.yaml: name the token "ada", so that both count as one person',
    );
  });
});
