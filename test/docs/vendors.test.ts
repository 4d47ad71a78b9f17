import { expect, test } from 'vitest';
import { targetDocuments } from '../../scripts/target-docs.ts';

test.each(targetDocuments().map(({ page, ...texts }) => [page.split('/').at(-1), texts] as const))(
  'the table in %s follows from the code (to fix: npm run docs:targets)',
  (_, { before, after }) => {
    expect(before).toBe(after);
  },
);
