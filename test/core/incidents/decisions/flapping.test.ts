import { test } from 'vitest';
import { expectLastState, expectLastStateInAnyOrder } from './flapping.ts';

test('the state of a flapping alert is that of the last notification, at any notification times', () =>
  expectLastState(30));

test('also with repeated or reordered notifications', () => expectLastStateInAnyOrder(100));
