import { describe, expect, test } from 'vitest';
import { decides, isSameActor, whyReserved } from '../../domain/actor-names.ts';

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
  ])('are of one: %j and %j', (one, other) => expect(isSameActor(one, other)).toBe(true));

  test.each([
    ['ada', 'adam'],
    ['zoe', 'zoë'],
    // Of another script: nobody can be kept from that, and no reader sees it.
    ['ada', '\u0430da'],
  ])('are of two: %j and %j', (one, other) => expect(isSameActor(one, other)).toBe(false));
});

describe('a name', () => {
  const OVERRIDES = ['freezes:override'];

  test.each(['Admin', 'evaluation', 'firebreak:quiet', 'GitHub:acme/shop', 'slack', ' ', '\u200b'])(
    'is reserved for who decides: %j',
    (name) => expect(whyReserved(name, OVERRIDES)).toEqual(expect.stringContaining('name ')),
  );

  test.each([
    ['alertmanager', ['alerts:write']],
    ['flagger', ['flagger:gate']],
    ['ada', OVERRIDES],
    ['github-actions', ['freezes:check', 'deployments:write']],
  ])('is free: %j of one that may %j', (name, actions) => expect(whyReserved(name, actions)).toBeUndefined());

  test('is one that counts where anything is decided', () => {
    expect([['*'], OVERRIDES, ['alerts:write', 'tokens:write']].map(decides)).toEqual([true, true, true]);
    expect([['alerts:write'], ['freezes:check', 'freezes:read'], []].map(decides)).toEqual([false, false, false]);
  });
});
