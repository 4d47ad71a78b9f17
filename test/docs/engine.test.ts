import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KIND_WEIGHTS, WEIGHTS } from '../../domain/correlation/weights.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const ENGINE = read('docs/explanation/engine.md');

describe('docs/explanation/engine.md', () => {
  test('lists exactly the factors with their weights', () => {
    const rows = [...ENGINE.matchAll(/^\| `(\w+)` \| (-?[\d.]+) \|/gm)].map(([, name, weight]) => [
      name,
      Number(weight),
    ]);
    expect(Object.fromEntries(rows)).toEqual(WEIGHTS);
  });

  test('lists the kinds of changes with a weight', () => {
    const weighed = Object.entries(KIND_WEIGHTS).filter(([, weight]) => weight !== 0);
    for (const [kind, weight] of weighed) expect(ENGINE).toMatch(new RegExp(`\`${kind}\` (has )?${weight}\\b`));
  });

  test.each([
    'domain/rollback/guards.ts',
    'domain/rollback/rollback.ts',
    'domain/runbooks/permission.ts',
    'workflows/steps/roll-back.ts',
  ])('explains every code that %s gives as a reason', (file) => {
    const codes = [
      ...read(file).matchAll(/(?:reason|withheld|limit\([^,]+,)\(?\s*'([a-z]+(?:_[a-z]+)*)'|code: '(\w+)'/g),
    ]
      .map(([, called, written]) => called ?? written ?? '')
      .filter((code) => code !== 'suspect');
    expect(codes.length).toBeGreaterThan(3);
    const missing = [...new Set(codes)].filter((code) => !ENGINE.includes(`\`${code}\``));
    expect(missing).toEqual([]);
  });
});
