/**
 * `npm run judgement`: judges both worlds of the evaluation, with each policy, and prints the results. Takes about ten
 * minutes. `npm run judgement:results` renews the published results.
 *
 * `npm run judgement -- SHARE [SEED [PLOT]]`: only a part of the monitored world; SHARE is more than 0, and at most 1. PLOT: a
 * file for the calibration as SVG, such as docs/explanation/calibration.svg.
 *
 * `npm run judgement -- confounders [SEED]`: only the classes with confounders, all cases.
 *
 * `npm run judgement -- look [SEED [SHARE]]`: a share of all classes, with controlled looks and without them.
 *
 * `npm run judgement -- public DIR`: the published cases of ChangeRCA, from a clone of their repository.
 *
 * `npm run judgement -- CASE [SEED]`: prints one case as JSON, such as `cold_start-3`: its world, what the product has read
 * about it, and its decisions.
 */
import { writeFile } from 'node:fs/promises';
import { monitoredCase, MONITORED_SEED } from '../evaluation/monitored/case.ts';
import {
  ADDED_CLASS_NAMES,
  CLASS_NAMES,
  type ClassName,
  CONFOUNDER_CLASS_NAMES,
  LABELS,
} from '../evaluation/monitored/labels.ts';
import { calibrationPlot } from '../evaluation/monitored/plot.ts';
import { casesTable, monitoredTable } from '../evaluation/monitored/print.ts';
import { DEFAULT_SEED } from '../evaluation/generate.ts';
import { evaluationTable } from '../evaluation/print.ts';
import { judgedWithLooks, looksTable } from './measurements/look.ts';
import { judgeSet } from './measurements/correlation.ts';
import { explainMonitored, judgedMonitored, judgeMonitored } from './measurements/monitored.ts';
import { judgedPublic, publicTable } from './measurements/public.ts';
import { monitoredReport } from '../evaluation/monitored/report.ts';

const [selection = 'all', second, plot] = process.argv.slice(2);
const isPublic = selection === 'public' && second !== undefined;
const seedText = isPublic ? '0' : (second ?? String(MONITORED_SEED));
const [share, seed] = [Number(selection), Number(seedText)];
const [, className, number] = /^([a-z_]+)-(\d+)$/.exec(selection) ?? [];
const name = (Object.keys(LABELS) as ClassName[]).find((each) => each === className);
const isAll = ['all', 'confounders', 'look'].includes(selection) || isPublic;
if (!Number.isInteger(seed) || (!isAll && name === undefined && !(share > 0 && share <= 1)))
  throw new Error(
    'usage: npm run judgement [-- SHARE [SEED [PLOT]] | -- confounders [SEED] | -- look [SEED [SHARE]] | -- public DIR | -- CASE [SEED]], with SHARE from 0 to 1',
  );

/** Prints the classes in which a comparison of versions can be deceived. */
async function printConfounders(part: number): Promise<void> {
  const { proved } = await judgedMonitored(seed, part, CONFOUNDER_CLASS_NAMES);
  console.log(`\nConfounders, evidence: proved\n\n${casesTable(monitoredReport(proved))}`);
}

if (name !== undefined) {
  console.log(JSON.stringify(await explainMonitored(monitoredCase(seed, name, Number(number))), null, 2));
} else if (isPublic) {
  console.log(publicTable(await judgedPublic(second)));
} else if (selection === 'look') {
  const names = [...CLASS_NAMES, ...CONFOUNDER_CLASS_NAMES];
  console.log(looksTable(await judgedWithLooks(seed, Number(plot ?? 0.1), names)));
} else if (selection === 'confounders') {
  await printConfounders(1);
} else {
  if (selection === 'all')
    for (const [policy, evaluation] of Object.entries(await judgeSet(DEFAULT_SEED)))
      console.log(`evidence: ${policy}\n\n${evaluationTable(evaluation)}\n`);
  const part = selection === 'all' ? 1 : share;
  const reports = await judgeMonitored(seed, part);
  console.log(monitoredTable(reports));
  console.log(
    `\nClasses that were added later, counted apart\n${monitoredTable(await judgeMonitored(seed, part, ADDED_CLASS_NAMES))}`,
  );
  await printConfounders(part);
  const proved = reports['evidence: proved'];
  if (plot !== undefined && proved !== undefined)
    await writeFile(plot, calibrationPlot(proved.calibration, `Calibration, monitored world, seed ${seed}`));
}
