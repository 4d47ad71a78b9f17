/**
 * `npm run judgement`: judges both worlds of the evaluation, with each policy, and prints the results. Takes about ten
 * minutes. `npm run judgement:results` renews the published results.
 *
 * `npm run judgement -- SHARE [SEED [PLOT]]`: only a part of the monitored world; SHARE is more than 0, and at most 1. PLOT: a
 * file for the calibration as SVG, such as docs/explanation/calibration.svg.
 *
 * `npm run judgement -- CASE [SEED]`: prints one case as JSON, such as `cold_start-3`: its world, what the product has read
 * about it, and its decisions.
 */
import { writeFile } from 'node:fs/promises';
import { monitoredCase, MONITORED_SEED } from '../evaluation/monitored/case.ts';
import { ADDED_CLASS_NAMES, type ClassName, LABELS } from '../evaluation/monitored/labels.ts';
import { calibrationPlot } from '../evaluation/monitored/plot.ts';
import { monitoredTable } from '../evaluation/monitored/print.ts';
import { DEFAULT_SEED } from '../evaluation/generate.ts';
import { evaluationTable } from '../evaluation/print.ts';
import { judgeSet } from './measurements/correlation.ts';
import { explainMonitored, judgeMonitored } from './measurements/monitored.ts';

const [selection = 'all', seedText = String(MONITORED_SEED), plot] = process.argv.slice(2);
const [share, seed] = [Number(selection), Number(seedText)];
const [, className, number] = /^([a-z_]+)-(\d+)$/.exec(selection) ?? [];
const name = (Object.keys(LABELS) as ClassName[]).find((each) => each === className);
if (!Number.isInteger(seed) || (selection !== 'all' && name === undefined && !(share > 0 && share <= 1)))
  throw new Error('usage: npm run judgement [-- SHARE [SEED [PLOT]] | -- CASE [SEED]], with SHARE from 0 to 1');
if (name !== undefined) {
  console.log(JSON.stringify(await explainMonitored(monitoredCase(seed, name, Number(number))), null, 2));
} else {
  if (selection === 'all')
    for (const [policy, evaluation] of Object.entries(judgeSet(DEFAULT_SEED)))
      console.log(`evidence: ${policy}\n\n${evaluationTable(evaluation)}\n`);
  const part = selection === 'all' ? 1 : share;
  const reports = await judgeMonitored(seed, part);
  console.log(monitoredTable(reports));
  console.log(
    `\nClasses that were added later, counted apart\n${monitoredTable(await judgeMonitored(seed, part, ADDED_CLASS_NAMES))}`,
  );
  const proved = reports['evidence: proved'];
  if (plot !== undefined && proved !== undefined)
    await writeFile(plot, calibrationPlot(proved.calibration, `Calibration, monitored world, seed ${seed}`));
}
