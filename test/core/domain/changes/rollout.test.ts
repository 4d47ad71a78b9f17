import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  patchOfReport,
  changeOfRollout,
  mergedRollout,
  revisedChange,
  subjectOf,
} from '../../../../core/domain/changes/rollout.ts';
import { ChangeReport, type Rollout } from '../../../../schemas/changes/change-report.ts';
import { ChangeStatus, type NewChange } from '../../../../schemas/changes/change.ts';
import { change } from '../../arbitraries.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

const at = (seconds: number) => plusSeconds(NOON, seconds);
const report = (seconds: number, more: object = {}): ChangeReport =>
  ChangeReport.parse({ source: 'github', key: 'acme/shop#1', at: at(seconds), subject: {}, ...more });

const merged = (reports: readonly ChangeReport[]): Rollout | undefined =>
  reports.reduce<Rollout | undefined>((known, one) => mergedRollout(known, one), undefined);
const changeOf = (...reports: ChangeReport[]) => {
  const rollout = merged(reports);
  return rollout && changeOfRollout(rollout);
};

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
/** Few values and few times, so that events often contradict each other at the same time. */
const someReport = fc
  .record({
    seconds: fc.integer({ min: 0, max: 4 }),
    status: optional(fc.constantFrom(...ChangeStatus.options)),
    final: optional(fc.boolean()),
    started_at: optional(fc.integer({ min: 0, max: 3 }).map(at)),
    created_at: optional(fc.integer({ min: -2, max: 2 }).map(at)),
    finished_at: optional(fc.integer({ min: 0, max: 5 }).map(at)),
    applied_at: optional(fc.constant(at(-3600))),
    version: optional(fc.constantFrom('v1', 'v2')),
    commit: optional(fc.constantFrom('a', 'b')),
    author: optional(fc.constantFrom('ada', 'bo')),
    has_migration: optional(fc.boolean()),
    subject: fc.record({ environment: optional(fc.constantFrom('prod', 'staging')), path: optional(fc.constant('a')) }),
  })
  .map(({ seconds, ...more }) => report(seconds, JSON.parse(JSON.stringify(more)) as object));

describe('a rollout', () => {
  test('is the same after any order and any repetition of its events', () => {
    const events = fc.array(someReport, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        events.chain((reports) =>
          fc.tuple(
            fc.constant(reports),
            fc.shuffledSubarray(reports, { minLength: reports.length }),
            fc.array(fc.constantFrom(...reports), { maxLength: 6 }),
          ),
        ),
        ([reports, shuffled, repeated]) => {
          const expected = merged(reports);
          expect(merged([...shuffled, ...repeated])).toEqual(expected);
          expect(changeOf(...repeated, ...shuffled)).toEqual(changeOf(...reports));
        },
      ),
      { numRuns: runs(80) },
    );
  });

  test('waits until it has started and has a version', () => {
    expect(changeOf(report(0, { version: 'v1' }))).toBeUndefined();
    expect(changeOf(report(0, { status: 'started' }))).toBeUndefined();
    expect(changeOf(report(0, { status: 'started', commit: 'abc' }))).toMatchObject({ version: 'abc' });
  });

  test('of which only a late success is known ended when it was created; with an earlier event, it waited or was slow', () => {
    const [created_at, late] = [at(0), 7 * 3600];
    const success = report(late, { version: 'v1', status: 'succeeded', created_at });
    expect(changeOf(success)).toMatchObject({ started_at: at(0), finished_at: at(0) });
    expect(changeOf(success, report(late + 9, { status: 'succeeded' }))).toMatchObject({ finished_at: at(0) });
    for (const earlier of [{ version: 'v1' }, { status: 'started', started_at: at(late - 60) }])
      expect(changeOf(success, report(late - 60, earlier))).toMatchObject({ finished_at: at(late) });
    expect(changeOf(report(3600, { ...success, at: at(3600) }))).toMatchObject({ finished_at: at(3600) });
    expect(changeOf({ ...success, status: 'failed' })).toMatchObject({ finished_at: at(late) });
  });

  test('starts at its first event, unless an event says when it started', () => {
    const [created, running] = [report(0, { version: 'v1' }), report(600, { status: 'started', started_at: at(600) })];
    expect(changeOf(created, report(700, { status: 'succeeded' }))).toMatchObject({
      started_at: at(0),
      finished_at: at(700),
    });
    expect(changeOf(created, report(700, { status: 'succeeded' }), running)).toMatchObject({
      status: 'succeeded',
      started_at: at(600),
      finished_at: at(700),
    });
  });

  test('knows when it was created, and starts with its first event: it can have waited for an approval', () => {
    const success = report(700, { version: 'v1', status: 'succeeded', created_at: at(0) });
    expect(mergedRollout(undefined, success).created_at).toBe(at(0));
    expect(changeOf(success)).toMatchObject({ started_at: at(700), finished_at: at(700) });
  });

  test('keeps the end that another system has reported, if its sender repeats the success long after', () => {
    const reported = { version: 'v1', status: 'succeeded', started_at: at(0) } as const;
    const ended = change('v1', 90, { started_at: at(0), finished_at: at(60) });
    const revised = (seconds: number) =>
      revisedChange(ended, { ...reported, finished_at: at(seconds) } as never, at(100_000)).finished_at;
    expect([revised(3600), revised(90_000)]).toEqual([at(3600), at(60)]);
  });

  test('does not start again, but its outcome can be corrected', () => {
    const events = [report(0, { version: 'v1', status: 'started' }), report(10, { status: 'succeeded' })];
    expect(changeOf(...events, report(20, { status: 'started' }))).toMatchObject({ status: 'succeeded' });
    expect(changeOf(...events, report(20, { status: 'failed' }))).toMatchObject({
      status: 'failed',
      finished_at: at(20),
    });
  });

  test.each<[string, [number, ChangeStatus][], object]>([
    [
      'repeats of its success',
      [
        [10, 'succeeded'],
        [600, 'succeeded'],
        [90_000, 'succeeded'],
      ],
      { finished_at: at(10) },
    ],
    [
      'repeats of its failure',
      [
        [10, 'failed'],
        [90_000, 'failed'],
      ],
      { status: 'failed', finished_at: at(10) },
    ],
    [
      'a start after its end',
      [
        [10, 'succeeded'],
        [80, 'started'],
        [90, 'succeeded'],
      ],
      { finished_at: at(10) },
    ],
    [
      'a correction',
      [
        [10, 'failed'],
        [20, 'succeeded'],
        [90_000, 'succeeded'],
      ],
      { finished_at: at(20) },
    ],
    [
      'two',
      [
        [10, 'succeeded'],
        [20, 'failed'],
        [30, 'succeeded'],
        [90, 'succeeded'],
      ],
      { finished_at: at(10) },
    ],
    [
      'a success before two failures',
      [
        [10, 'succeeded'],
        [20, 'failed'],
        [30, 'failed'],
      ],
      { status: 'failed', finished_at: at(20) },
    ],
    [
      'a failure after its success, and a day',
      [
        [5, 'failed'],
        [10, 'succeeded'],
        [300, 'failed'],
        [90_000, 'succeeded'],
      ],
      { finished_at: at(10) },
    ],
  ])('ended when its outcome was reported first, after %s, in any order', (_, events, expected) => {
    const reports = events.map(([seconds, status]) => report(seconds, { version: 'v1', status, started_at: at(0) }));
    for (const order of [reports, reports.toReversed(), [...reports.slice(1), ...reports]])
      expect(changeOf(...order)).toMatchObject(expected);
  });

  test('keeps its end after any number of repeats, and stays small', () => {
    const repeats = Array.from({ length: 200 }, (_, index) => report(index, { version: 'v1', status: 'succeeded' }));
    const rollout = merged([report(-5, { status: 'failed' }), ...repeats]);
    expect(rollout && changeOfRollout(rollout)).toMatchObject({ status: 'succeeded', finished_at: at(0) });
    expect(rollout?.status?.ends?.length).toBeLessThan(50);
  });

  test('that was stored before its reports were kept keeps its end', () => {
    const started = merged([report(0, { version: 'v1', status: 'started' })]);
    const stored = { ...started, status: { at: at(10), value: 'succeeded' } } as Rollout;
    const repeated = mergedRollout(stored, report(90_000, { status: 'succeeded' }));
    expect(changeOfRollout(repeated)).toMatchObject({ finished_at: at(10) });
  });

  test('does not start after its end', () => {
    const success = report(0, { version: 'v1', status: 'succeeded' });
    const again = [
      report(90_000, { status: 'started', started_at: at(90_000) }),
      report(90_100, { status: 'succeeded' }),
    ];
    for (const order of [
      [success, ...again],
      [...again, success],
    ])
      expect(changeOf(...order)).toMatchObject({ started_at: at(0), finished_at: at(0) });
  });

  test.each<[string, [number, ChangeStatus][], number]>([
    [
      'is slow',
      [
        [60, 'started'],
        [18_000, 'succeeded'],
      ],
      18_000,
    ],
    [
      'succeeded after a failure',
      [
        [300, 'failed'],
        [1200, 'succeeded'],
      ],
      1200,
    ],
    [
      'was applied a day before, and its first success is lost',
      [
        [0, 'started'],
        [90_000, 'succeeded'],
      ],
      60,
    ],
    [
      'failed a day before, and runs since',
      [
        [300, 'failed'],
        [90_000, 'succeeded'],
      ],
      60,
    ],
    ['is first heard of long after', [[3600, 'succeeded']], 60],
  ])('of a system that tells when the version was applied %s', (_, events, end) => {
    const reports = events.map(([seconds, status]) =>
      report(seconds, {
        version: 'v1',
        status,
        started_at: at(0),
        ...(status === 'succeeded' && { applied_at: at(60) }),
      }),
    );
    expect(changeOf(...reports)).toMatchObject({ status: 'succeeded', finished_at: at(end) });
  });

  test('has the newest name of each kind', () => {
    const rollout = merged([
      report(5, { subject: { environment: 'production' } }),
      report(0, { subject: { environment: 'prod', image: 'ghcr.io/acme/shop' } }),
    ]);
    expect(rollout && subjectOf(rollout)).toEqual({ environment: 'production', image: 'ghcr.io/acme/shop' });
  });
});

describe('another report of a recorded change', () => {
  const running = { ...change('v2', 5), status: 'started' as const, finished_at: null, has_migration: null };
  const same = { version: running.version, kind: 'deploy', status: 'started' } satisfies Partial<NewChange>;

  test('fills what was unknown, and keeps what is known', () => {
    expect(patchOfReport(running, { ...same, commit: 'abc', commits: [{ sha: 'abc', committed_at: null }] })).toEqual({
      commit: 'abc',
      commits: [{ sha: 'abc', committed_at: null }],
    });
    expect(patchOfReport({ ...running, author: 'ada' }, { ...same, author: 'bo' })).toBeUndefined();
  });

  test('ends it, but does not change its outcome', () => {
    expect(patchOfReport(running, { ...same, status: 'succeeded', finished_at: at(60) })).toEqual({
      status: 'succeeded',
      finished_at: at(60),
    });
    expect(patchOfReport(change('v2', 5), { ...same, status: 'failed' })).toBeUndefined();
    expect(patchOfReport(change('v2', 5), { ...same, status: 'started' })).toBeUndefined();
  });

  test('of its own sender replaces what that said, and keeps what others have added', () => {
    const known = { ...change('v2', 5), author: 'ada', rollback_safe_to: 'v1' };
    const revised = revisedChange(known, { ...same, status: 'failed', started_at: at(-400), author: 'bo' }, NOON);
    expect(revised).toEqual({ ...known, author: 'bo', status: 'failed', started_at: at(-400) });
    expect(revisedChange(known, { ...same, started_at: known.started_at }, NOON)).toEqual(known);
  });

  test('from a clock that is ahead does not move its start, nor its end beyond the report', () => {
    const ahead = (seconds: number) => plusSeconds(running.recorded_at, seconds);
    const known = { ...running, started_at: running.recorded_at };
    const late = { ...same, status: 'succeeded', started_at: ahead(120), finished_at: ahead(180) } as const;
    expect(revisedChange(known, late, ahead(60))).toMatchObject({
      started_at: running.recorded_at,
      finished_at: ahead(60),
    });
  });
});
