import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Report, result, table, withResults } from '../../bench/results.ts';

describe('result', () => {
  test('the ratio is that of the rounded numbers', () => {
    expect(result('a → b, median ms', 100.04, 39.96, 3)).toEqual({
      name: 'a → b, median ms',
      value: 100,
      reference: 40,
      ratio: 2.5,
      target: 3,
      met: true,
    });
  });

  test('a ratio at the target meets it, one above does not', () => {
    expect(result('at', 30, 10, 3).met).toBe(true);
    expect(result('above', 30.1, 10, 3).met).toBe(false);
  });
});

test('one case in three thousand is not rounded to zero', () => {
  expect(result('wrong, %', 0.0979, 0.1, 1, 3)).toMatchObject({ value: 0.098, reference: 0.1, ratio: 0.98, met: true });
});

describe('table', () => {
  const report: Report = {
    machine: { cpu: 'Some CPU', cores: 2, memory_gib: 7.8, node: '24.0.0' },
    at: '2026-01-02T03:04:05.678Z',
    results: [
      result('a longer name, ms', 12, 10, 3),
      result('short, ms', 1234.5, 100, 3),
      result('rare, %', 0.098, 0.1, 1, 3),
    ],
  };

  test('shows machine and time, and a line for each result', () => {
    expect(table(report)).toBe(
      [
        'Some CPU, 2 cores, 7.8 GiB, Node 24.0.0, 2026-01-02T03:04:05.678Z',
        '',
        'name                value  reference  ratio  target  met',
        'a longer name, ms    12.0       10.0   1.20     ≤ 3  yes',
        'short, ms          1234.5      100.0  12.35     ≤ 3   NO',
        'rare, %             0.098      0.100   0.98     ≤ 1  yes',
      ].join('\n'),
    );
  });
});

test('docs/explanation/performance.md has the stored results, byte for byte', () => {
  const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const page = read('docs/explanation/performance.md');
  const stored = JSON.parse(read('bench/results.json')) as Report;
  expect(withResults(page, stored)).toBe(page);
  expect(page.split('\n').filter((line) => line.endsWith(' | yes |') || line.endsWith(' | NO |'))).toHaveLength(
    stored.results.length,
  );
  expect(() => withResults('# Performance', stored)).toThrow('the page has no place for the results');
});
