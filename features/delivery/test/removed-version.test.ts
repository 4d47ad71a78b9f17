import { expect, test } from 'vitest';
import { deployRecordOf } from '../decisions/deploy-record.ts';
import { doraReport } from '../decisions/figures.ts';
import { emptyConfig } from '../../../schemas/config/config.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { before, change, NOON } from '../../../test/core/arbitraries.ts';

const DAY = 24 * 60;

/** Returns the deploys that a rollback of this version counts against. */
function failed(previous_version: string): string[] {
  const changes = [
    change('6.4 (1111111)', 5 * DAY, { reported_version: '6.4' as Version }),
    change('v3', 4 * DAY),
    change('6.4 (2222222)', 3 * DAY, { reported_version: '6.4' as Version }),
    change('v3', 2 * DAY, { kind: 'rollback', previous_version }),
  ];
  const { deploys } = doraReport(
    { deploys: changes.flatMap((one) => deployRecordOf(one) ?? []), incidents: [], corrections: [], rework: new Map() },
    { from: before(30 * DAY), until: NOON, now: NOON },
    () => true,
    emptyConfig.delivery,
  );
  return deploys.filter(({ failures }) => failures.length > 0).map(({ version }) => version);
}

test('a rollback counts against the version that ran, also if its sender writes that without its commit', () => {
  expect(failed('6.4')).toEqual(['6.4 (2222222)']);
  expect(failed('v6.4')).toEqual(['6.4 (2222222)']);
  expect(failed('6.4 (1111111)')).toEqual(['6.4 (1111111)']);
  expect(failed('v9')).toEqual([]);
});
