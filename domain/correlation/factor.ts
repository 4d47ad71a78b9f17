/** One piece of evidence for or against one change. The sum of the weights is the log-odds that it is the cause. */
export type Factor = {
  name: string;
  /**
   * Natural logarithm of how many times more probable the change is for it; negative: less. 0: looked at, says
   * nothing.
   */
  weight: number;
  /** In words, with times, ratios and versions; empty where there is nothing to say to a person. */
  text: string;
};

export const factor = (name: string, weight: number, text: string): Factor => ({ name, weight, text });
