import type { ServiceName } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

export type TestOutcome = 'passed' | 'failed' | 'skipped';

/** A test of a JUnit file. `flaky`: the file itself says that it failed and passed. */
export type TestCase = { classname: string; name: string; outcome: TestOutcome; flaky: boolean };

export type TestCounts = Record<TestOutcome, number>;

/** The run that executed tests. */
export type TestRun = { run_id: string; attempt: number };

/** The results of one upload, by the keys of its tests. */
export type TestResults = { run: TestRun; passed: ReadonlySet<string>; failed: ReadonlySet<string> };

/** A test that passed and failed in the same commit. */
export type FlakyTest = { classname: string; name: string };

/** Flaky tests that one upload showed. `tests` has at most `FLAKY_NAMED_MAX` of `count`. */
export type FlakyFinding = {
  service: ServiceName;
  suite: string;
  commit: string;
  branch: string | null;
  at: Timestamp;
  count: number;
  tests: FlakyTest[];
};

/** Maximum number of tests whose names a finding has. A broken environment can make thousands of tests flaky. */
export const FLAKY_NAMED_MAX = 200;

const isSameRun = (a: TestRun, b: TestRun): boolean => a.run_id === b.run_id && a.attempt === b.attempt;

/**
 * Returns the tests of an upload that are shown to be flaky: they passed, and failed in another attempt of the same
 * commit and suite, or the other way round. Different results within one attempt come from different configurations,
 * such as operating systems, unless the file has both.
 *
 * @param keyOf returns the key of a test in the results
 * @param known keys of the commit's tests that are known to be flaky
 */
export function newlyFlaky(
  upload: { run: TestRun; cases: readonly TestCase[] },
  before: readonly TestResults[],
  { keyOf, known }: { keyOf: (test: TestCase) => string; known: ReadonlySet<string> },
): TestCase[] {
  const others = before.filter(({ run }) => !isSameRun(run, upload.run));
  return upload.cases.filter((test) => {
    const key = keyOf(test);
    if (known.has(key)) return false;
    if (test.flaky) return true;
    if (test.outcome === 'passed') return others.some(({ failed }) => failed.has(key));
    return test.outcome === 'failed' && others.some(({ passed }) => passed.has(key));
  });
}

/** Returns how many tests had each outcome. */
export function countsOfTests(cases: readonly Pick<TestCase, 'outcome'>[]): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of cases) counts[outcome] += 1;
  return counts;
}
