import { describe, expect, test } from 'vitest';
import {
  clearingsText,
  clearingOf,
  clearingOfVersion,
  activeClearings,
  unclearedSuspects,
  withWithdrawn,
  withCleared,
} from '../../../../core/domain/changes/cleared-suspects.ts';
import { withoutExcluded } from '../../../../core/domain/incidents/cause.ts';
import type { ClearedSuspect, EarlierProblem } from '../../../../schemas/incidents/incident.ts';
import type { ServiceName, Version } from '../../../../schemas/config/names.ts';
import { before, change, clearing as clearingIn } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

const v2 = change('v2', 10);
const clearing = (more: Partial<ClearedSuspect> = {}, of = v2): ClearedSuspect => clearingIn(of, more);
const back = { by: 'bo', at: before(-9) };

describe('a cleared change', () => {
  test('is identified by its ID', () => {
    expect(clearingOf([clearing()], v2)).toEqual(clearing());
    expect(clearingOf([clearing()], change('v3', 5))).toBeUndefined();
    expect(clearingOf(undefined, v2)).toBeUndefined();
  });

  test('covers its version, however often that was put live', () => {
    expect(clearingOf([clearing()], change('v2', 4))).toBeDefined();
    expect(clearingOfVersion([clearing()], v2)).toBeDefined();
  });

  test('does not cover the same version of another service, or a change without a version', () => {
    expect(clearingOf([clearing()], { ...change('v2', 4), service: 'payments' as ServiceName })).toBeUndefined();
    expect(clearingOf([clearing()], change('v2', 4, { kind: 'flag' }))).toBeUndefined();
    expect(clearingOf([clearing({ kind: 'flag' })], change('v2', 4))).toBeUndefined();
    expect(clearingOfVersion([clearing({ kind: 'migration' })], v2)).toBeUndefined();
  });

  test('is a possible cause again once the clearing is withdrawn', () => {
    const again = withWithdrawn([clearing(), clearing({}, change('v3', 5))], [clearing()], back);
    expect(clearingOf(again, v2)).toBeUndefined();
    expect(activeClearings(again)).toEqual([clearing({}, change('v3', 5))]);
    expect(again[0]).toEqual(clearing({ restored: back }));
  });

  test('has one clearing: a later one replaces it', () => {
    const later = clearing({ by: 'bo', at: before(-20) });
    expect(withCleared([clearing({ restored: back })], later)).toEqual([later]);
    expect(withCleared(undefined, later)).toEqual([later]);
  });

  test('is not among the suspects', () => {
    const suspect = (of: typeof v2) => ({ change_id: of.id, version: of.version, confidence: 0.4, reasons: [] });
    const v3 = change('v3', 5);
    expect(unclearedSuspects([suspect(v2), suspect(v3)], [clearing()])).toEqual([suspect(v3)]);
    expect(unclearedSuspects([suspect(v2)], [clearing({ restored: back })])).toEqual([suspect(v2)]);
    const earlier: EarlierProblem = {
      at: before(5),
      judged: 1,
      suspects: [suspect(v2), suspect(v3)],
      verification: 'passed',
    };
    const read = withoutExcluded(incident({ cleared: [clearing()], earlier_problems: [earlier] }));
    expect(read.earlier_problems).toEqual([{ ...earlier, suspects: [suspect(v3)] }]);
  });
});

describe('its description', () => {
  test('contains person, version, and time', () => {
    expect(clearingsText([clearing()])).toBe('v2 was cleared by ada at 2026-11-20 12:03 UTC');
  });

  test('contains the withdrawal', () => {
    expect(clearingsText([clearing({ restored: back })])).toBe(
      'v2 was cleared by ada at 2026-11-20 12:03 UTC, and marked as suspect again by bo at 2026-11-20 12:09 UTC',
    );
  });

  test('is limited to the newest', () => {
    const many = Array.from({ length: 12 }, (_, n) => clearing({ version: `v${n}` as Version }));
    expect(clearingsText(many)).toMatch(/^v9 was cleared .*; v10 was .*; v11 was .*; and 9 more$/);
  });
});
