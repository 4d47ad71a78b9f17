import { expect, test } from 'vitest';
import { NOON, policy, status } from '../../../freeze/test/decisions/builders.ts';
import { objective } from '../../../../test/support/objective.ts';
import { sloView } from '../../decisions/view.ts';

test('data that could not be read are reported for the objective', () => {
  const view = sloView({
    slo: objective(),
    status: status({ unread: 'HTTP 404', budget: { remaining: null, spent_at_least: 0, coverage: 0.1 } }),
    policy: policy(),
    freezes: [],
    history: [],
    evaluatedAt: NOON,
    at: NOON,
  });
  expect(view).toMatchObject({ stale: true, problem: 'its history could not be read: HTTP 404' });
});
