/** How many tests, or checks, of a run passed and failed. */
export type Counts = { passed: number; failed: number };

/** Returns the counts of the last line of a run, such as `12 passed, 0 failed`. Undefined: the output does not end with one. */
export function countsOf(output: string): Counts | undefined {
  const found = /(?:^|\n)(\d+) passed, (\d+) failed(?:, \d+ skipped)?\n$/.exec(output);
  return found === null ? undefined : { passed: Number(found[1]), failed: Number(found[2]) };
}
