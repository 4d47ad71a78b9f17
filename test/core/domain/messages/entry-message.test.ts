import { expect, test } from 'vitest';
import { entryMessage } from '../../../../core/domain/messages/entry-message.ts';
import { NOON } from '../../arbitraries.ts';

test.each([
  ['roll-back.failed', '⚠️'],
  ['page.failed', '⚠️'],
  ['runbook.step_failed', '⚠️'],
  ['slack.refused', '⚠️'],
  ['mitigation.failed', '⚠️'],
  ['page.succeeded', '📟'],
  ['roll-back.succeeded', '•'],
])('the message of an entry begins with its mark: %s', (kind, mark) => {
  const entry = { at: NOON, actor: 'firebreak', kind, text: 'CD answered 500', detail: null };
  expect(entryMessage(entry).summary).toBe(`${mark} CD answered 500`);
});
