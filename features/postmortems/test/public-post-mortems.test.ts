import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { comparedPostMortems, postMortemsDocument } from './public-post-mortems.ts';
import { published } from '../../../packages/lab/evaluation/published.ts';

test('docs/explanation/public-post-mortems.md is what the drafts give now, byte for byte', () => {
  const page = readFileSync(new URL('../../../docs/explanation/public-post-mortems.md', import.meta.url), 'utf8');
  // To renew it: node features/postmortems/test/public-post-mortems.ts
  expect(postMortemsDocument()).toBe(page);
  expect(postMortemsDocument()).toBe(page);
});

test('ten incidents are compared, and no field counts as agreeing that only one side has', () => {
  expect(new Set(published.map(({ id }) => id)).size).toBe(10);
  const rows = comparedPostMortems().flatMap((one) => one.rows);
  expect(rows).toHaveLength(70);
  for (const { published: stated, draft, result, field } of rows) {
    if (result === 'not published') expect(stated).toBeNull();
    else expect(stated).not.toBeNull();
    // Nothing was recorded as the cause, and the draft names none.
    if (result === 'agrees' && field !== 'Cause') expect(draft).not.toBeNull();
  }
});
