/**
 * `npm run judgement:sample [-- COUNT [SEED]]`: sends cases of the simulated, monitored systems through the product, from the webhook to
 * the decision, and compares what it has read and decided with the evaluation. Exits with 1 if a decision differs.
 */
import { MONITORED_SEED } from '../evaluation/monitored/case.ts';
import { aligned } from '../evaluation/monitored/print.ts';
import { type Compared, isSameDecision, sample } from './sample/sample.ts';

const [count, seed] = [Number(process.argv[2] ?? 96), Number(process.argv[3] ?? MONITORED_SEED)];
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed))
  throw new Error('usage: npm run judgement:sample [-- COUNT [SEED]]');

const all: Compared[] = [];
for await (const one of sample(count, seed)) {
  const { id, isLate, product, evaluation, differences } = one;
  if (isLate) {
    console.log(`${id.padEnd(28)} not compared: the health of other services was not read within the time limit`);
    continue;
  }
  all.push(one);
  const verdict = isSameDecision(one) ? 'same decision' : `DIFFERENT: ${product.kind} instead of ${evaluation.kind}`;
  console.log(`${id.padEnd(28)} ${product.kind.padEnd(10)} ${verdict}`);
  for (const { path } of differences) console.log(`${' '.repeat(29)}differs: ${path}`);
}
const paths = Map.groupBy(
  all.flatMap(({ differences }) => differences.map(({ path }) => path.replaceAll(/\.\d+/g, '.*'))),
  (path) => path,
);
const different = all.filter((one) => !isSameDecision(one)).length;
console.log(
  `\n${all.length} cases compared: ${all.length - different} with the same decision, ${different} with another`,
);
console.log(`${all.filter(({ differences }) => differences.length === 0).length} with the same inputs`);
for (const line of aligned([...paths].map(([path, found]) => [path, String(found.length)]))) console.log(line);
process.exitCode = different === 0 ? 0 : 1;
