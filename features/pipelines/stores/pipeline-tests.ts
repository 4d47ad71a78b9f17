import type { PipelineFigures, PipelineTests, TestUpload } from '../types.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { type Observation, suiteLabel } from '../decisions/pipeline-figures.ts';
import {
  countsOfTests,
  FLAKY_NAMED_MAX,
  type FlakyFinding,
  type FlakyTest,
  newlyFlaky,
  type TestCase,
  type TestCounts,
  type TestResults,
  type TestRun,
} from '../decisions/flaky-tests.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { canonicalJson, sha256 } from '../../../core/stores/hash.ts';
import { keys } from '../keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../../core/stores/retention.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, type Item, put, revisionIs } from '../../../platforms/store.ts';
import * as z from 'zod';

const TRIES = 20;

/** Bytes of the hash that stands for a test in stored results. */
const KEY_BYTES = 8;

type Recorded = Awaited<ReturnType<PipelineTests['record']>>;

/** Stores test results by commit, and the flaky tests that they show. */
export class PipelineTestTable implements PipelineTests {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #figures: Pick<PipelineFigures, 'add'>;

  constructor(table: Table, clock: Clock, figures: Pick<PipelineFigures, 'add'>) {
    this.#table = table;
    this.#clock = clock;
    this.#figures = figures;
  }

  async record(upload: TestUpload): Promise<Recorded> {
    const { service, commit, suite } = upload;
    const id = uploadIdOf(upload);
    const key = keys.testUpload(service, commit, suite, id);
    const head = keys.testSuite(service, commit, suite);
    const counts = countsOfTests(upload.cases);
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const [headItem, stored] = await this.#table.getAll([head, key]);
      if (stored !== undefined) return { ...storedFinding(stored), counts, created: false };
      const before = await collect(this.#table.each(key.pk, { prefix: key.sk.slice(0, -id.length) }), resultsIn);
      const known = keysIn(headItem?.['flaky']);
      const found = newlyFlaky(upload, before, { keyOf: testKey, known });
      const now = this.#clock.now();
      const flaky = found.slice(0, FLAKY_NAMED_MAX).map(({ classname, name }): FlakyTest => ({ classname, name }));
      const expiry = expiresAfter(now, RETENTION_DAYS.testUpload);
      const result = await this.#table.transact([
        put(
          {
            ...key,
            run: upload.run,
            passed: bytesOf(upload.cases, 'passed'),
            failed: bytesOf(upload.cases, 'failed'),
            counts,
            flaky,
            flaky_count: found.length,
            at: now,
            ...expiry,
          },
          absent,
        ),
        put(
          { ...head, flaky: joined([...known, ...found.map(testKey)]), rev: revOf(headItem) + 1, ...expiry },
          headItem === undefined ? absent : revisionIs(headItem['rev']),
        ),
        ...(found.length === 0 ? [] : [put(this.#findingItem(upload, id, now, flaky, found.length))]),
      ]);
      if (!result.ok) continue;
      const results = [...before, { run: upload.run, counts }];
      await this.#figures.add(service, upload.branchLabel, observations(upload, counts, found.length, results));
      return { counts, flaky, flakyCount: found.length, created: true };
    }
    throw new Error(`test results of commit ${commit} changed during all ${TRIES} attempts; try again`);
  }

  #findingItem(
    { service, suite, commit, branch }: TestUpload,
    id: string,
    at: Timestamp,
    tests: FlakyTest[],
    count: number,
  ) {
    return {
      ...keys.flakyTests(service, at, id),
      ...({ service, suite, commit, branch, at, count, tests } satisfies FlakyFinding),
      ...expiresAfter(at, RETENTION_DAYS.pipelineRun),
    };
  }

  async flaky(service: ServiceName, from: Timestamp): Promise<FlakyFinding[]> {
    return collect(this.#table.each(keys.flakyTestsOf(service).pk, { from }), (item) => StoredFlakyFinding.parse(item));
  }
}

/** Returns the identity of an upload: the same file of the same run and attempt is one upload. */
export const uploadIdOf = ({ run, hash }: Pick<TestUpload, 'run' | 'hash'>): string =>
  sha256(canonicalJson({ run, hash })).slice(0, 32);

/** Returns the key of a test in stored results: a hash, so that 20,000 tests fit into an item. */
export const testKey = ({ classname, name }: Pick<TestCase, 'classname' | 'name'>): string =>
  sha256(canonicalJson([classname, name])).slice(0, 2 * KEY_BYTES);

type Counted = { run: TestRun; counts: TestCounts };

/** Returns what an upload adds to the figures. The newest results are those of all files of its attempt. */
export function observations(
  { suite, run }: Pick<TestUpload, 'suite' | 'run'>,
  counts: TestCounts,
  flaky: number,
  all: readonly Counted[],
): Observation[] {
  const label = suiteLabel(suite);
  const ofRun = all.filter((one) => one.run.run_id === run.run_id && one.run.attempt === run.attempt);
  const outcomes = ['passed', 'failed', 'skipped'] as const;
  return [
    ...outcomes.flatMap((outcome): Observation[] => [
      { name: 'pipeline_tests_total', labels: [label, outcome], value: counts[outcome] },
      {
        name: 'pipeline_test_results',
        labels: [label, outcome],
        value: ofRun.reduce((sum, one) => sum + one.counts[outcome], 0),
      },
    ]),
    { name: 'pipeline_flaky_tests_total', labels: [label], value: flaky },
  ];
}

const bytesOf = (cases: readonly TestCase[], outcome: TestCase['outcome']): string =>
  joined(cases.filter((test) => test.outcome === outcome).map(testKey));

const joined = (hex: readonly string[]): string => Buffer.from(hex.join(''), 'hex').toString('base64');

function keysIn(base64: unknown): Set<string> {
  const hex = typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('hex') : '';
  return new Set(hex.match(new RegExp(`.{${2 * KEY_BYTES}}`, 'g')) ?? []);
}

const resultsIn = (item: Item): TestResults & Counted => ({
  run: item['run'] as TestRun,
  passed: keysIn(item['passed']),
  failed: keysIn(item['failed']),
  counts: item['counts'] as TestCounts,
});

const storedFinding = (item: Item) => ({
  flaky: item['flaky'] as FlakyTest[],
  flakyCount: Number(item['flaky_count']),
});

const revOf = (item: Item | undefined): number => Number(item?.['rev'] ?? 0);

/** Flaky tests that one upload of test results showed, as stored. */
export const StoredFlakyFinding = z.object({
  service: ServiceName,
  suite: z.string(),
  commit: z.string(),
  branch: z.string().nullable(),
  at: Timestamp,
  count: z.number(),
  tests: z.array(z.object({ classname: z.string(), name: z.string() })),
});
