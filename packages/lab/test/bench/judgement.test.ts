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
  expect(pages.map(({ name }) => name)).toEqual(['evaluation.md', 'how-often-it-is-wrong.md', 'calibration.svg']);
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

test('the page begins with the mistakes beside those of the rules, and the command that repeats them', () => {
  const { results } = pagesWith(2, 100);
  const [, command = ''] = /`npm run judgement:results -- (.+)`/.exec(results) ?? [];
  const { first, confounders } = storedResults();
  expect(setsOf(command.split(' ')).flatMap((sets) => sets.first)).toEqual(
    (first.unseen ?? first.validation)?.sets.map(({ seed }) => seed),
  );
  expect(confounders.validation ?? confounders.unseen).toBeDefined();
  expect(results).toMatch(/^\| first world, \w+: negatives \| \d+ of [\d,]+ \(.+\) \| [\d,]+ of /m);
  const stored = storedResults();
  stored.published = {
    ...(stored.published ?? expect.unreachable()),
    cases: 51,
    cases_wrong: 1,
    acted: 22,
  };
  const [, page] = pagesOf(stored, read('evaluation.md'));
  expect(page?.content).toContain('| cases with a wrong rollback | at most 0 | **1 of 51 (2.0 %, at most 9.0 %)** |');
  expect(page?.content).toContain('| cases acted on | at least 23 | **22 of 51 (43.1 %, at least ');
  delete stored.published;
  expect(pagesOf(stored, read('evaluation.md'))[1]?.content).not.toContain('## Published releases');
});

test('the pages need a place for the summary, and results', () => {
  expect(() => pagesOf(storedResults(), '# Evaluation')).toThrow('has no place for the results: add the lines');
  expect(() => pagesOf({ first: {}, monitored: {}, confounders: {} }, read('evaluation.md'))).toThrow(
    'no set was judged',
  );
});

test('the command line names sets by their use, world, seed, and share', () => {
  const args = ['unseen', 'first:7', 'monitored:1:0.25', 'monitored:2', 'confounders:3:0.5', 'training', 'first:9'];
  expect(setsOf(args)).toEqual([
    {
      use: 'unseen',
      first: [7],
      monitored: [
        { seed: 1, share: 0.25 },
        { seed: 2, share: 1 },
      ],
      confounders: [{ seed: 3, share: 0.5 }],
    },
    { use: 'training', first: [9], monitored: [], confounders: [] },
  ]);
});

test.each([['first:7'], ['unseen', 'second:7'], ['unseen', 'monitored:7:2'], ['unseen', 'first:7:0.5'], ['unseen']])(
  'the command line %j is refused',
  (...args) => {
    expect(() => setsOf(args)).toThrow('usage: npm run judgement:results');
  },
);
