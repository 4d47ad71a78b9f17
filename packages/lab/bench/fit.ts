/**
 * `npm run judgement:fit [-- SHARE]`: fits the weights of the decision engine to generated cases, and prints them beside
 * the present ones, with the calibration on cases that were not fitted to. SHARE: part of the sets, by default 1.
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

/**
 * Weights that are fitted. The others are judgements: they are rare in the cases, the cases agree with them, or they depend on
 * how frequent a class of incidents is in a world, such as late records.
 */
const FITTED: ReadonlySet<string> = new Set([
  'long_after_end',
  'long_after_start',
  'grows_long_after',
  'clock_skew_far',
  'clock_agrees',
  'recorded_late',
  'dependency_step',
  'dependency_fails_too',
  'dependency_fails_later',
  'caller',
  'caller_step',
  'caller_fails_too',
  'undeclared',
  'undeclared_alone',
  'undeclared_fails_later',
  'another_fails',
  'two_others_fail',
  'several_fail',
  'large_step',
  'bad_earlier',
  'rising_before',
  'slow_rise',
  'falling',
  'healthy_now',
  'missing_samples',
  'traffic_rise',
  'only_it_seems_bad',
  'canary_raised',
  'same_version',
]);

/**
 * Bounds that are judgements:
 *
 * - A problem that is over, or that ends, needs no act, even if the change caused it.
 * - One other service that fails is mostly a coincidence or a caller that nobody declared, and several are not. The worlds
 *   disagree, because only one has callers that the catalogue does not declare.
 * - Most pairs of services have no relation. In the monitored world, 120 of 5,080 cases have an undeclared cause. Two services that
 *   were deployed and fail at the same time must not keep each other from a rollback.
 * - Late records are as frequent in the monitored world as deploys that came after the problem.
 * - The size of a step and the distance in time say less than in these worlds, in which errors of bad versions begin within nine
 *   minutes: with the fitted weights, high confidences would be too high.
 */
const BOUNDS: Readonly<Record<string, { min?: number; max?: number }>> = {
  healthy_now: { max: -3 },
  falling: { max: -0.5 },
  another_fails: { min: -1.1 },
  two_others_fail: { max: -2.3 },
  several_fail: { max: -4.5 },
  undeclared: { max: -4 },
  undeclared_alone: { max: 0.5 },
  undeclared_fails_later: { max: 1.2 },
  recorded_late: { min: -1.6 },
  clock_skew_far: { max: -1.2 },
  dependency_fails_later: { max: 0.9 },
  bad_earlier: { max: -1.25 },
  rising_before: { max: -2.3 },
  same_version: { min: -5 },
  large_step: { max: 1.5 },
  long_after_start: { min: -6.6 },
};

/** A weight keeps its sign, and stays within what one piece of evidence can say. */
const priors: Record<string, Prior> = Object.fromEntries(
  Object.entries(WEIGHTS).map(([name, mean]) => [
    name,
    FITTED.has(name)
      ? { mean, min: mean < 0 ? -8 : 0, max: mean > 0 ? 6 : 0, ...BOUNDS[name] }
      : { mean, min: mean, max: mean },
  ]),
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
  present: WEIGHTS,
  generated: fit(train.generated, priors).weights,
  monitored: fit(train.monitored, priors).weights,
  both: fit([...weighted, ...train.monitored], priors).weights,
};
const occurrences = (name: string): number =>
  [...train.generated, ...train.monitored].filter(({ rivals }) => rivals.some((rival) => rival[name])).length;
for (const name of Object.keys(priors))
  console.log(
    [
      name.padEnd(28),
      ...Object.values(fits).map((one) => (one[name] ?? 0).toFixed(2).padStart(7)),
      String(occurrences(name)).padStart(7),
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
