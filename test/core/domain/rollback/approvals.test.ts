import { describe, expect, test } from 'vitest';
import { isApprover } from '../../../../core/domain/incidents/plan-decisions.ts';

describe('the approvers', () => {
  test.each([
    ['no named people: everyone with the permission', null, 1, [], 'ada', true],
    ['one named person: that person', ['bob'], 1, [], 'bob', true],
    ['one named person: no other person', ['bob'], 1, [], 'ada', false],
    ['as many named people as needed: no other person', ['bob', 'eve'], 2, ['bob'], 'ada', false],
    ['more named people than needed: any of them', ['bob', 'eve', 'mia'], 2, ['bob'], 'mia', true],
    ['fewer named people than needed: another person for the rest', ['bob'], 2, [], 'ada', true],
    ['fewer named people than needed: not two other people', ['bob'], 2, ['ada'], 'cy', false],
    ['fewer named people than needed: the named person after another person', ['bob'], 2, ['ada'], 'bob', true],
    ['a named person, regardless of case', ['Bob'], 1, [], 'bob', true],
    ['a named person: not the tokens that they created', ['bob'], 1, [], 'bot (token of bob)', false],
    ['fewer named people than needed: not the token of a named person', ['bob'], 2, [], 'bot (token of bob)', false],
    ['fewer named people than needed: the token of another person', ['bob'], 2, [], 'bot (token of ada)', true],
    [
      'the creator of a token that has approved may repeat the approval',
      ['bob'],
      2,
      ['bot (token of ada)'],
      'ada',
      true,
    ],
    ['a person who has approved may repeat the approval', ['bob'], 2, ['ada'], 'ada', true],
  ] as const)('%s', (_, people, needed, given, by, asked) => {
    expect(isApprover(people, { needed, given: [...given] }, by)).toBe(asked);
  });
});
