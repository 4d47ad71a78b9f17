/**
 * One piece of evidence for or against one change. The sum of all weights is the log-odds that the change is the cause.
 */
export type Factor<Name extends string = string> = {
  name: Name;
  /** Natural logarithm of the likelihood ratio; negative: evidence against the change; 0: evaluated without effect. */
  weight: number;
  /** Explanation with times, ratios, and versions; empty if there is nothing to show. */
  text: string;
};

export const factor = <Name extends string>(name: Name, weight: number, text: string): Factor<Name> => ({
  name,
  weight,
  text,
});
