/**
 * `npm run judgement:canary [-- CASES [SEED]]`: judges generated canaries with the judge, fixed limits, and Kayenta's method,
 * and prints false alarms (of `none`) and misses (of the others).
 */
import { CANARY_SEED, canaryTable, evaluateCanaries } from '../evaluation/canary/evaluate.ts';
import { contestants } from './measurements/canary.ts';

const [casesText = '2000', seedText = String(CANARY_SEED)] = process.argv.slice(2);
const [cases, seed] = [Number(casesText), Number(seedText)];
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed))
  throw new Error('usage: npm run judgement:canary [-- CASES [SEED]]');
console.log(canaryTable(evaluateCanaries(contestants, { cases, seed })));
