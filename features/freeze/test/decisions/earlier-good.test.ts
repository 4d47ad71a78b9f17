import { expect, test } from 'vitest';
import { checkRollbackVersion } from '../../decisions/exemptions/rollback-version.ts';
import { change } from '../../../../test/core/arbitraries.ts';

const CHANGES = [
  change('good', 500, { commit: 'c-good' }),
  change('quick', 320),
  change('undone', 310, { rolled_back_by: 'inc-1' }),
  change('failed', 200, { status: 'failed', commit: 'c-failed' }),
  change('failed-undone', 190, { status: 'failed', rolled_back_by: 'inc-2' }),
  change('cancelled', 180, { status: 'cancelled' }),
  change('flagged', 170, { kind: 'flag' }),
  change('live', 100),
];

test.each<[string, string | null, string | null, string, RegExp]>([
  ['ran well before', 'good', null, 'known_good', /ran here without problems, starting/],
  ['goes by its commit', null, 'c-good', 'known_good', /c-good ran here without problems/],
  ['is nothing', null, null, 'not_known', /target version is missing/],
  ['was never recorded', 'stranger', null, 'not_known', /never recorded/],
  ['is only a flag change', 'flagged', null, 'not_known', /never recorded/],
  ['has failed', 'failed', null, 'not_known', /never ran here: its deployment failed at/],
  ['has failed, by its commit', null, 'c-failed', 'not_known', /never ran here: its deployment failed at/],
  ['was cancelled', 'cancelled', null, 'not_known', /never ran here: its deployment was cancelled/],
  ['has failed and was rolled back', 'failed-undone', null, 'not_known', /was itself rolled back$/],
  ['was rolled back', 'undone', null, 'not_known', /was itself rolled back$/],
  ['was soon replaced', 'quick', null, 'not_known', /less than 30 minutes/],
  ['runs now', 'live', null, 'not_known', /is running now/],
])('a version that %s', (_, version, commit, kind, text) => {
  const found = checkRollbackVersion(CHANGES, { version, commit });
  expect(found).toMatchObject({ kind, text: expect.stringMatching(text) });
});
