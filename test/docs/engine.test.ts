import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DecisionKind } from '../../schemas/incidents/incident.ts';
import { ReasonCode } from '../../schemas/incidents/reason.ts';
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

  test('explains every code of a reason', () => {
    const missing = ReasonCode.options.filter((code) => !ENGINE.includes(`\`${code}\``));
    expect(missing).toEqual([]);
  });

  test('lists only codes that exist as reasons of decisions', () => {
    const decisions = /^## Decisions\n([^]*?)^### A change/m.exec(ENGINE)?.[1] ?? '';
    const rows = [...decisions.matchAll(/^\| ((?:`\w+`,? ?(?:\([^)]*\),? ?)?)+)\|/gm)].map(([, cell = '']) => cell);
    const codes = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code));
    const listed = codes.filter((code) => !DecisionKind.safeParse(code).success);
    expect(new Set(listed).size).toBeGreaterThan(35);
    expect(listed.filter((code) => !ReasonCode.safeParse(code).success)).toEqual([]);
  });
});
