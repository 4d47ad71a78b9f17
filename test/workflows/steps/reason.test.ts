import { expect, test } from 'vitest';
import { reasonFor } from '../../../workflows/steps/roll-back.ts';

test('the reason of a rollback that is too long for CD systems ends between characters', () => {
  const reasons = [{ code: 'suspect' as const, text: '😀'.repeat(500) }];
  expect(reasonFor({ reasons }, 'Errors')).toMatch(/^Errors: (?:😀)+…$/u);
  expect(reasonFor({ reasons }, 'Error')).toMatch(/^Error: (?:😀)+…$/u);
});
