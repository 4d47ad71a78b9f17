import { describe, expect, test } from 'vitest';
import { isApprover } from '../../../domain/rollback/approvals.ts';

describe('the approvers', () => {
  test.each([
    ['nobody by name: whoever may approve', null, 1, [], 'ada', true],
    ['one by name', ['bob'], 1, [], 'bob', true],
    ['one by name: nobody else', ['bob'], 1, [], 'ada', false],
    ['as many by name as are needed: nobody else', ['bob', 'eve'], 2, ['bob'], 'ada', false],
    ['more by name than are needed: any of them', ['bob', 'eve', 'mia'], 2, ['bob'], 'mia', true],
    ['fewer by name than are needed: one of the others besides', ['bob'], 2, [], 'ada', true],
    ['and no second one of the others', ['bob'], 2, ['ada'], 'cy', false],
    ['but the one who is named, still', ['bob'], 2, ['ada'], 'bob', true],
    ['by name, however it is written', ['Bob'], 1, [], 'bob', true],
    ['by name: none of the tokens that they have created', ['bob'], 1, [], 'bot (token of bob)', false],
    ['nor is such a token one of the others', ['bob'], 2, [], 'bot (token of bob)', false],
    ['but a token of one of the others is', ['bob'], 2, [], 'bot (token of ada)', true],
    ['and its creator may say the same again', ['bob'], 2, ['bot (token of ada)'], 'ada', true],
    ['who has said so already may say it again', ['bob'], 2, ['ada'], 'ada', true],
  ] as const)('%s', (_, people, needed, given, by, asked) => {
    expect(isApprover(people, { needed, given: [...given] }, by)).toBe(asked);
  });
});
