import { WEIGHTS } from './weights.ts';

/** Values of the features of a candidate, by the name of their weight. Most are 1 or absent; some are graded, 0 to 1. */
export type Features = { readonly [Name in keyof typeof WEIGHTS]?: number };

/**
 * One piece of evidence for or against one change. The sum of all weights is the log-odds that the change is the cause.
 */
export type Factor<Name extends string = string> = {
  name: Name;
  /** Natural logarithm of the likelihood ratio; negative: evidence against the change; 0: evaluated without effect. */
  weight: number;
  /** Explanation with times, ratios, and versions; empty if there is nothing to show. */
  text: string;
  /** What `weight` is the weighted sum of. */
  features: Features;
  /** The condition of a proof that is not met, if the comparison would prove the change otherwise. Absent: none. */
  missing?: string;
};

/** Creates a factor that is weighted by its name. */
export const weightedFactor = <Name extends keyof typeof WEIGHTS>(name: Name, text: string): Factor<Name> =>
  gradedFactor(name, text, { [name]: 1 });

/** Creates a factor that is the sum of several weights, each by a degree from 0 to 1. */
export const gradedFactor = <Name extends string>(name: Name, text: string, features: Features): Factor<Name> => ({
  name,
  text,
  features,
  weight: Object.entries(features).reduce(
    (sum, [each, value]) => sum + WEIGHTS[each as keyof typeof WEIGHTS] * value,
    0,
  ),
});

/** Creates a factor without effect, which only says what was evaluated. */
export const unweightedFactor = <Name extends string>(name: Name, text: string): Factor<Name> =>
  gradedFactor(name, text, {});

/** Returns the factor as one that only says what was evaluated. */
export const withoutEffect = <Name extends string>({ name, text }: Factor<Name>): Factor<Name> =>
  unweightedFactor(name, text);

/** Returns those that apply of some factors. */
export const applying = <Name extends string>(
  factors: readonly (Factor<Name> | readonly Factor<Name>[] | null)[],
): Factor<Name>[] => factors.flatMap((one) => one ?? []);
