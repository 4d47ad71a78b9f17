import { describe } from 'vitest';
import { killIn, killsAtEach, killsInLook, killsInRunbook } from './each.ts';

describe('kill -9 where a repeat would be a second rollback', () => {
  killIn(killsAtEach('act', ['inside CD roll-back #1'], 'act'));
});

describe("kill -9 before the caller gets the result of a runbook's step", () => {
  killIn(killsInRunbook(['inside POST /drains #1']));
});

describe('kill -9 between the two instances of a controlled look', () => {
  killIn(killsInLook(['inside POST /api/v1/namespaces/default/pods #1']));
});
