import { expect, test } from 'vitest';
import { releaseOf } from '../../../vendors/github/code.ts';
import { NOON } from '../../core/arbitraries.ts';

test('a long name of a release ends between characters', () => {
  const release = { tag_name: 'v1', name: `x${'😀'.repeat(1000)}`, prerelease: false, published_at: NOON };
  expect(releaseOf({ release, repository: { full_name: 'Acme/Shop' } }).name).toMatch(/^x(?:😀)+…$/u);
});
