/**
 * `npm run judgement:fit [-- SHARE]`: fits a weight of its own to each factor of the decision engine, and prints it beside the
 * grade of that factor. On cases that were not fitted to, it prints the loss and the calibration of both, and what each factor
 * pays. SHARE: part of the sets, by default 1.
 */
import { featuresOf } from '../../../core/domain/correlation/correlate.ts';
import { WEIGHTS } from '../../../core/domain/correlation/weights.ts';
import { type Calibration, calibrated } from '../evaluation/monitored/report.ts';
import {
  fit,
  lossOf,
  type Observation,
  type Prior,
  probabilities,
  scoreOf,
} from '../evaluation/fit/conditional-logit.ts';
import { cases } from '../evaluation/generate.ts';
import { monitoredCases } from '../evaluation/monitored/case.ts';
import { inputsOf } from './measurements/correlation.ts';
import { inputsAt } from './measurements/monitored.ts';

/** Seeds of the fitted sets, and of the sets that check them. */
const FIT = { generated: 611_953, monitored: [31_415_926, 20_260_107] };
const CHECK = { generated: 15_485_863, monitored: [15_485_863] };

type Weights = Readonly<Record<string, number>>;

async function observations(seeds: typeof FIT, share: number): Promise<Record<keyof typeof FIT, Observation[]>> {
  const generated: Observation[] = [];
  let index = 0;
  for (const one of cases(seeds.generated)) {
    index += 1;
    if (index * share - Math.floor(index * share) >= share) continue;
    generated.push(observationOf(inputsOf(one, 'proved').evidence, one.label.cause));
  }
  const monitored: Observation[] = [];
  for (const seed of seeds.monitored)
    for (const one of monitoredCases(seed, share))
      monitored.push(observationOf((await inputsAt(one, one.at)).evidence, one.label.cause));
  return { generated, monitored };
}

/** A cause that is not among the candidates counts as none of them. */
function observationOf(evidence: Parameters<typeof featuresOf>[0], cause: string | null): Observation {
  const rivals = featuresOf(evidence);
  const index = rivals.findIndex(({ change_id }) => change_id === cause);
  return {
    rivals: rivals.map(({ features }) => features as Observation['rivals'][number]),
    cause: index < 0 ? null : index,
    weight: 1,
  };
}

/** A weight keeps its sign, and stays within what one piece of evidence can say. */
const priors: Record<string, Prior> = Object.fromEntries(
  Object.entries(WEIGHTS).map(([name, mean]) => [name, { mean, min: mean < 0 ? -8 : 0, max: mean > 0 ? 6 : 0 }]),
);

/** Returns the calibration of the first suspects under these weights. */
const calibrationUnder = (weights: Weights, checked: readonly Observation[]): Calibration =>
  calibrated(
    checked.flatMap(({ rivals, cause }) => {
      const shares = probabilities(rivals.map((rival) => scoreOf(rival, weights)));
      const top = shares.indexOf(Math.max(...shares));
      return top < 0 ? [] : [{ confidence: shares[top] ?? 0, isTrue: top === cause }];
    }),
  );

const share = Number(process.argv[2] ?? 1);
const [train, check] = [await observations(FIT, share), await observations(CHECK, share)];
// Both worlds count the same, however many cases they have.
const weight = train.monitored.length / train.generated.length;
const weighted = train.generated.map((one) => ({ ...one, weight }));
const fits: Record<string, Weights> = {
  grades: WEIGHTS,
  generated: fit(train.generated, priors).weights,
  monitored: fit(train.monitored, priors).weights,
  both: fit([...weighted, ...train.monitored], priors).weights,
};
const occurrences = (name: string): number =>
  [...train.generated, ...train.monitored].filter(({ rivals }) => rivals.some((rival) => rival[name])).length;

/** Returns by how many thousandths the loss grows without the factor, on cases that were not fitted to. Negative: it does not pay. */
const pays = (name: string): string[] =>
  Object.values(check).map((checked) =>
    ((lossOf(checked, { ...WEIGHTS, [name]: 0 }) - lossOf(checked, WEIGHTS)) * 1000).toFixed(2).padStart(8),
  );
for (const name of Object.keys(priors))
  console.log(
    [
      name.padEnd(28),
      ...Object.values(fits).map((one) => (one[name] ?? 0).toFixed(2).padStart(7)),
      String(occurrences(name)).padStart(7),
      ...pays(name),
    ].join(' '),
  );
for (const [set, fitted] of Object.entries(train))
  for (const [name, weights] of Object.entries(fits))
    console.log(`${set} cases of the fit, weights ${name}: loss ${lossOf(fitted, weights).toFixed(3)}`);
for (const [set, checked] of Object.entries(check))
  for (const [name, weights] of Object.entries(fits)) {
    const { error, bins } = calibrationUnder(weights, checked);
    const table = bins.map((bin) => `${bin.confidence.toFixed(2)}→${bin.share.toFixed(2)} (${bin.cases})`);
    console.log(
      `${set} cases, weights ${name}: loss ${lossOf(checked, weights).toFixed(3)}, calibration error ${error.toFixed(3)}\n  ${table.join('  ')}`,
    );
  }
