import { writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { playKilledAt } from './run.ts';
import { boundariesOf } from './boundaries.ts';
test('list', { timeout: 100_000 }, async () => {
  for (const story of ['act', 'approve'] as const) {
  const t = Date.now();
  const { passed } = await playKilledAt([], story);
  writeFileSync(`/tmp/kh/${story}.txt`, passed.join('\n'));
  const b = await boundariesOf(story);
  writeFileSync(`/tmp/kh/${story}-b.txt`, b.join('\n'));
  console.log(story, passed.length, b.length, Date.now() - t);
  }
});
