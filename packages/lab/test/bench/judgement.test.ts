import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pagesOf } from '../../bench/judgement-pages.ts';
import { judgementPages, storedResults } from '../../bench/judgement-results.ts';
import { setsOf } from '../../bench/measurements/judgement-sets.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../../docs/explanation/${name}`, import.meta.url), 'utf8');

test('the pages have the stored results, byte for byte', () => {
  // To renew them: npm run judgement:results -- pages
  const pages = judgementPages();
  expect(pages.map(({ name }) => name)).toEqual(['evaluation.md', 'evaluation-results.md', 'calibration.svg']);
  for (const { name, content } of pages) expect(content).toBe(read(name));
});

/** Returns the pages without an unseen set, with these numbers for all others. */
function pagesWith(wrong: number, of: number): { explanation: string; results: string } {
  const stored = storedResults();
  delete stored.monitored.unseen;
  for (const { together } of Object.values(stored.monitored)) {
    together.proved.questions_wrong = { hits: wrong, of, bound: 0 };
    together.proved.by_limit = [0.4, 0.5].map((limit, index) => ({
      limit,
      named: { hits: 99 - index, of: 100, bound: 0 },
      asked_wrongly: { hits: wrong, of, bound: 0 },
    }));
  }
  const [explanation, results] = pagesOf(stored, read('evaluation.md'));
  return { explanation: explanation?.content ?? '', results: results?.content ?? '' };
}

test('a result that misses its target is bold, and bounds are those of its numbers', () => {
  const [met, missed] = [pagesWith(2, 100), pagesWith(1030, 10_300)];
  expect(met.explanation).toContain('| at most 2 % | 2 of 100 (2.0 %, at most 6.2 %) | yes |');
  expect(missed.explanation).toContain('| at most 2 % | 1,030 of 10,300 (10.0 %, at most 10.5 %) | **no** |');
  expect(missed.results).toContain('| at most 2 % | **1,030 of 10,300 (10.0 %, at most 10.5 %)** |');
  expect(met.results).toContain('| 0.4 | 99 of 100 (99.0 %) | 2 of 100 (2.0 %) |');
  expect(met.results).toContain('With the validation sets, 0.4 meets both targets (99 % and 2 %).');
  expect(missed.results).toContain('With the validation sets, no limit meets both targets');
  expect(missed.results).not.toMatch(/NaN|undefined|Infinity/);
});

test('the pages need a place for the summary, and results', () => {
  expect(() => pagesOf(storedResults(), '# Evaluation')).toThrow('has no place for the results: add the lines');
  expect(() => pagesOf({ first: {}, monitored: {} }, read('evaluation.md'))).toThrow('no set was judged');
});

test('the command line names sets by their use, world, seed, and share', () => {
  expect(setsOf(['unseen', 'first:7', 'monitored:1:0.25', 'monitored:2', 'training', 'first:9'])).toEqual([
    {
      use: 'unseen',
      first: [7],
      monitored: [
        { seed: 1, share: 0.25 },
        { seed: 2, share: 1 },
      ],
    },
    { use: 'training', first: [9], monitored: [] },
  ]);
});

test.each([['first:7'], ['unseen', 'second:7'], ['unseen', 'monitored:7:2'], ['unseen', 'first:7:0.5'], ['unseen']])(
  'the command line %j is refused',
  (...args) => {
    expect(() => setsOf(args)).toThrow('usage: npm run judgement:results');
  },
);
