/**
 * `npm run judgement:canary [-- CASES [SEED]]`: judges generated canaries, and those of recorded traffic, with the
 * judge, fixed limits, and Kayenta's method, and prints false alarms (of `none`) and misses (of the others).
 */
import { CANARY_SEED, canaryTable, evaluateCanaries } from '../evaluation/canary/evaluate.ts';
import { HELD_OUT_TRACES, NEIGHBORS, readTrace, replayed, TRACES } from '../evaluation/canary/replay.ts';
import type { scene } from '../evaluation/canary/world.ts';
import { comparedRules } from './measurements/canary.ts';

const [casesText = '2000', seedText = String(CANARY_SEED)] = process.argv.slice(2);
const [cases, seed] = [Number(casesText), Number(seedText)];
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed))
  throw new Error('usage: npm run judgement:canary [-- CASES [SEED]]');
console.log('generated\n' + canaryTable(evaluateCanaries(comparedRules, { cases, seed })));
for (const name of [...TRACES, ...HELD_OUT_TRACES]) {
  const trace = readTrace(name);
  const neighbors = NEIGHBORS[name].map(readTrace);
  const create: typeof scene = (draw, shape, regression) => replayed(trace, draw, shape, regression, neighbors);
  console.log(`\nrecorded: ${name}\n` + canaryTable(evaluateCanaries(comparedRules, { cases, seed, create })));
}
