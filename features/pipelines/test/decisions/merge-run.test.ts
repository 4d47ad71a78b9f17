import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Merged, mergedRun, mergedStage, reportedAt } from '../../decisions/merge-run.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import {
  type PipelineRun,
  type PipelineRunId,
  type PipelineRunInput,
  PipelineRunReport,
  type PipelineStage,
} from '../../pipeline-run.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const ID = 'run_00000000000000000000000001' as PipelineRunId;
const NOW = '2026-11-20T12:00:00.000Z' as Timestamp;
const SERVICE = 'checkout' as ServiceName;

const at = (minute: number): string => `2026-11-20T10:${String(minute).padStart(2, '0')}:00.000Z`;

const report = (more: Partial<PipelineRunInput> = {}): PipelineRunReport =>
  PipelineRunReport.parse({ service: 'checkout', run_id: '7', ...more });

function merge(reports: readonly PipelineRunReport[]): PipelineRun {
  let merged: Merged<PipelineRun> | undefined;
  for (const one of reports) merged = mergedRun(merged, ID, { ...one, service: SERVICE }, NOW);
  if (merged === undefined) throw new Error('no reports');
  return merged.record;
}

test('reports of one run complete each other', () => {
  const run = merge([
    report({ pipeline: 'CI', branch: 'main', trigger: 'push', queued_at: at(0) }),
    report({ started_at: at(1), commit: 'abc' }),
    report({ result: 'failed', started_at: at(1), finished_at: at(9) }),
  ]);
  expect(run).toMatchObject({
    status: 'finished',
    result: 'failed',
    pipeline: 'CI',
    branch: 'main',
    commit: 'abc',
    queued_at: at(0),
    started_at: at(1),
    finished_at: at(9),
  });
});

test('a start that is reported after the end does not start the run again', () => {
  expect(merge([report({ result: 'succeeded', finished_at: at(9) }), report({ started_at: at(1) })])).toMatchObject({
    status: 'finished',
    started_at: at(1),
  });
});

test('of two values, the one reported later counts', () => {
  const wrong = report({ branch: 'main', reported_at: at(3) });
  const right = report({ branch: 'feature', reported_at: at(5) });
  expect(merge([right, wrong]).branch).toBe('feature');
});

test('of two reports of the same time, the trigger and its word are those of one', () => {
  const reports = [report({ trigger: 'web', reported_at: at(3) }), report({ trigger: 'push', reported_at: at(3) })];
  const expected = { trigger: 'manual', trigger_word: 'web' };
  expect([merge(reports), merge(reports.toReversed())]).toMatchObject([expected, expected]);
});

test('an earlier report does not change a trigger that was recorded without its word', () => {
  const later = mergedRun(undefined, ID, { ...report({ trigger: 'push', reported_at: at(5) }), service: SERVICE }, NOW);
  const { trigger_word: _, ...record } = later.record;
  const { trigger_word: __, ...stamps } = later.stamps;
  const earlier = report({ trigger: 'web', reported_at: at(3) });
  const merged = mergedRun({ ...later, record, stamps }, ID, { ...earlier, service: SERVICE }, NOW);
  expect(merged.record).toMatchObject({ trigger: 'push', trigger_word: 'push' });
});

describe('any order, with repeated deliveries', () => {
  const minute = fc.integer({ min: 0, max: 9 });
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const name = maybe(fc.constantFrom('a', 'b', 'c'));
  const input = fc
    .record({
      pipeline: name,
      branch: name,
      commit: name,
      trigger: maybe(fc.constantFrom('push', 'web', 'manual')),
      queued_at: maybe(minute.map(at)),
      started_at: maybe(minute.map((n) => at(10 + n))),
      finished_at: maybe(minute.map((n) => at(30 + n))),
      tests: fc.array(fc.record({ suite: fc.constantFrom('x', 'y'), passed: minute, failed: minute }), {
        maxLength: 2,
      }),
      reported_at: minute.map((n) => at(40 + n)),
    })
    .map((fields) => report({ ...fields, ...(fields.finished_at && { result: 'succeeded' as const }) }));

  test('give the same run', () => {
    fc.assert(
      fc.property(fc.array(input, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat()), (reports, order) => {
        const shuffled = [...reports, ...reports]
          .map((one) => ({ one, key: order.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(merge(shuffled)).toEqual(merge(reports));
      }),
    );
  });

  test('give the same stage', () => {
    const stages = (reports: readonly PipelineRunReport[]): PipelineStage | undefined => {
      let merged: Merged<PipelineStage> | undefined;
      for (const { finished_at, started_at, queued_at, pipeline, result, reported_at } of reports)
        merged = mergedStage(
          merged,
          { id: 'job', name: pipeline ?? 'job', result, queued_at, started_at, finished_at },
          reportedAt(report({ reported_at }), NOW),
        );
      return merged?.record;
    };
    fc.assert(
      fc.property(fc.array(input, { minLength: 1, maxLength: 6 }), (reports) => {
        expect(stages([...reports.toReversed(), ...reports])).toEqual(stages(reports));
      }),
    );
  });
});
