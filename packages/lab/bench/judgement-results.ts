/**
 * `npm run judgement:results`: judges the sets again that the results are of, except those that nobody had seen, writes
 * packages/lab/bench/judgement-results.json, and from it docs/explanation/how-often-it-is-wrong.md, the summary in
 * docs/explanation/evaluation.md, and the plot of the calibration. A whole set of the monitored world takes about five
 * minutes on one core, and uses all cores.
 *
 * `npm run judgement:results -- USE SET… [USE SET…]`: judges other sets instead. USE is `unseen`, `validation`, or
 * `training`; a SET is `first:SEED` or `monitored:SEED[:SHARE]`. The sets of the same use and world are replaced, and all
 * others are kept: `npm run judgement:results -- unseen first:67867967 monitored:1299709:0.25`.
 *
 * `npm run judgement:results -- public DIR`: judges the published cases in a clone, and stores their counts.
 *
 * `npm run judgement:results -- pages`: writes the pages from the stored results.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pagesOf } from './judgement-pages.ts';
import { judgedPublic, publishedResults } from './measurements/public.ts';
import { renewed, type Results, setsOf, storedSets } from './measurements/judgement-sets.ts';

const RESULTS = join(import.meta.dirname, 'judgement-results.json');
const DOCS = join(import.meta.dirname, '../../../docs/explanation');

export const storedResults = (): Results => JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;

/** Returns the pages with the stored results. */
export const judgementPages = (): { name: string; content: string }[] =>
  pagesOf(storedResults(), readFileSync(join(DOCS, 'evaluation.md'), 'utf8'));

/** Formats the results with short numbers, and with the innermost objects on one line. */
const textOf = (results: Results): string =>
  `${JSON.stringify(
    results,
    (_, value: unknown) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value,
    1,
  ).replaceAll(/\{\s+([^{}[\]]*?)\s+\}/g, (_, inside: string) => `{ ${inside.replaceAll(/\s*\n\s*/g, ' ')} }`)}\n`;

if (process.argv[1] === import.meta.filename) {
  const args = process.argv.slice(2);
  const stored = storedResults();
  const [command, dir] = args;
  if (command === 'public' && dir !== undefined)
    writeFileSync(RESULTS, textOf({ ...stored, published: publishedResults(await judgedPublic(dir)) }));
  else if (command !== 'pages')
    for await (const results of renewed(stored, args.length === 0 ? storedSets(stored) : setsOf(args)))
      writeFileSync(RESULTS, textOf(results));
  for (const { name, content } of judgementPages()) writeFileSync(join(DOCS, name), content);
}
