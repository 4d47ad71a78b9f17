import { expect, test } from 'vitest';
import { refusalText } from '../../decisions/words.ts';

test('a refusal names its freeze and its end, and nothing that would be so without the freeze', () => {
  const reasons = [
    { code: 'person', text: 'a sale; it ends at 2026-11-22 18:29 UTC' },
    { code: 'budget_partly_known', text: 'only 0 % of the budget window is known' },
    { code: 'budget_corrected', text: 'corrections apply' },
  ] as const;
  expect(refusalText({ reasons: [...reasons], clears_when: 'at 2026-11-22 18:29 UTC' })).toBe(
    'a sale; it ends at 2026-11-22 18:29 UTC',
  );
  expect(
    refusalText({
      reasons: [{ code: 'pinned_version', text: 'v2 is known bad' }, reasons[1]],
      clears_when: 'when another version is deployed',
    }),
  ).toBe('v2 is known bad; it ends when another version is deployed');
});
