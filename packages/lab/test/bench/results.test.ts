import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  figure,
  type Line,
  merged,
  missed,
  ratioAtLeast,
  ratioAtMost,
  type Report,
  table,
  valueAtMost,
  withResults,
} from '../../bench/results.ts';

const line = (...args: Parameters<typeof figure>): Line => ({ part: 'a part', ...figure(...args) });

test('the ratio is that of the rounded numbers', () => {
  expect(figure('a → b, p50 ms', 100.04, 39.96, [ratioAtMost(3)])).toEqual({
    name: 'a → b, p50 ms',
    value: 100,
    reference: 40,
    ratio: 2.5,
    goals: [{ of: 'ratio', is: '≤', limit: 3 }],
  });
});

test('one case in three thousand is not rounded to zero', () => {
  expect(figure('wrong, %', 0.0979, 0.1, [], 3)).toMatchObject({ value: 0.098, reference: 0.1, ratio: 0.98 });
});

describe('a goal', () => {
  const isMissed = (...args: Parameters<typeof figure>) => missed([line(...args)]).length > 0;

  test.each([
    ['at most', 30, [ratioAtMost(3)], false],
    ['at most', 30.1, [ratioAtMost(3)], true],
    ['at least', 3, [ratioAtLeast(0.3)], false],
    ['at least', 2.9, [ratioAtLeast(0.3)], true],
    ['zero', 0, [valueAtMost(0)], false],
    ['zero', 1, [valueAtMost(0)], true],
    ['both', 20, [ratioAtMost(3), valueAtMost(10)], true],
  ])('%s: %d', (_, value, goals, expected) => {
    expect(isMissed('a', value, 10, goals)).toBe(expected);
  });
});

const machine = { cpu: 'Some CPU', cores: 2, memory_gib: 7.8, node: '24.0.0' };
const report = (lines: Line[]): Report => ({ machine, at: '2026-01-02T03:04:05.678Z', lines });
const now = report([
  line('short, ms', 8, 4, [ratioAtMost(1)]),
  line('a longer name, per second', 400, 1000, [ratioAtLeast(0.3)], 0),
  line('without reference, MB', 150, null, [valueAtMost(150)]),
  { part: 'another part', name: 'broken', why: 'it is broken', isFault: true },
  { part: 'another part', name: 'absent', why: 'it is not installed', isFault: false },
]);

test('a figure without a goal is not worse, because nothing says whether more is worse', () => {
  const rate = (value: number) => [line('accepted, per second', value, 1000, [], 0)];
  expect(table(report(rate(400)), rate(100))).not.toContain('WORSE');
});

test('the table has the goals, what was accepted last, and what is worse by more than a fifth', () => {
  const accepted = [
    line('short, ms', 6, 4, []),
    line('a longer name, per second', 500, 1000, [], 0),
    line('without reference, MB', 120, null, []),
  ];
  expect(table(now, accepted).split('\n')).toMatchInlineSnapshot(`
    [
      "Some CPU, 2 cores, 7.8 GiB, Node 24.0.0, 2026-01-02T03:04:05.678Z",
      "",
      "figure                     value  reference  ratio         goal     reached  accepted",
      "short, ms                    8.0        4.0   2.00    ratio ≤ 1  NO (2.00×)      1.50  WORSE by 33 %",
      "a longer name, per second  400.0     1000.0   0.40  ratio ≥ 0.3         yes      0.50  WORSE by 25 %",
      "without reference, MB      150.0                    value ≤ 150         yes     120.0  WORSE by 25 %",
      "broken  FAILED: it is broken",
      "absent  not measured: it is not installed",
    ]
  `);
});

test('a part that was measured replaces its lines', () => {
  const [first, second, third] = [line('first', 1, null, []), line('second', 2, null, []), line('third', 3, null, [])];
  const before = [
    { ...first, part: 'a' },
    { ...second, part: 'b' },
  ];
  expect(merged(before, [{ ...third, part: 'a' }], ['a', 'b'])).toEqual([
    { ...third, part: 'a' },
    { ...second, part: 'b' },
  ]);
});

describe('the page', () => {
  const page = readFileSync(new URL('../../../../docs/explanation/performance.md', import.meta.url), 'utf8');

  test('has the table of the committed results', () => {
    const committed = JSON.parse(
      readFileSync(new URL('../../results/results.json', import.meta.url), 'utf8'),
    ) as Partial<Report>;
    if (committed.lines !== undefined) expect(withResults(page, committed as Report)).toBe(page);
  });

  test('gets the table of a run, and keeps its other text', () => {
    const renewed = withResults(page, now);
    expect(renewed).toContain('| short, ms | 8.0 | 4.0 | 2.00 | ratio ≤ 1 | NO (2.00×) |');
    expect(renewed).toContain('| broken | FAILED: it is broken |');
    const around = (text: string) => text.split(/<!-- .* -->/).filter((_, n) => n !== 1);
    expect(around(renewed)).toEqual(around(page));
  });

  test('needs a place for it', () => {
    expect(() => withResults('# Performance', now)).toThrow('no place for the results');
  });
});
