import { expect, test } from 'vitest';
import { deployRecordOf } from '../decisions/deploy-record.ts';
import { doraReport, type DoraReport } from '../decisions/figures.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { emptyConfig } from '../../../schemas/config/config.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { before, change, NOON } from '../../../test/core/arbitraries.ts';

const DAY = 24 * 60;

const reportOf = (changes: readonly Change[]): DoraReport =>
  doraReport(
    { deploys: changes.flatMap((one) => deployRecordOf(one) ?? []), incidents: [], corrections: [], rework: new Map() },
    { from: before(30 * DAY), until: NOON, now: NOON },
    () => true,
    emptyConfig.delivery,
  );

/** Returns the deploys that a rollback of this version counts against. */
function failed(previous_version: string): string[] {
  const changes = [
    change('6.4 (1111111)', 5 * DAY, { reported_version: '6.4' as Version }),
    change('v3', 4 * DAY),
    change('6.4 (2222222)', 3 * DAY, { reported_version: '6.4' as Version }),
    change('v3', 2 * DAY, { kind: 'rollback', previous_version }),
  ];
  return reportOf(changes)
    .deploys.filter(({ failures }) => failures.length > 0)
    .map(({ version }) => version);
}

test('a rollback counts against the version that ran, also if its sender writes that without its commit', () => {
  expect(failed('6.4')).toEqual(['6.4 (2222222)']);
  expect(failed('v6.4')).toEqual(['6.4 (2222222)']);
  expect(failed('6.4 (1111111)')).toEqual(['6.4 (1111111)']);
  expect(failed('v9')).toEqual([]);
});

test.each<[string, string[], string[]]>([
  ['the version before is deployed again', ['v1', 'v2', 'v1'], ['v2']],
  ['it is deployed again after each of two', ['v1', 'v2', 'v1', 'v3', 'v1'], ['v2', 'v3']],
  ['an older one is deployed again', ['v1', 'v2', 'v3', 'v1'], ['v3']],
  ['the removed version is deployed once more, and removed again', ['v1', 'v2', 'v1', 'v2', 'v1'], ['v2', 'v2']],
  ['a version is skipped, and deployed again', ['v1', 'v2', 'v3', 'v1', 'v2'], ['v3']],
  ['the same version is deployed twice', ['v1', 'v2', 'v2'], []],
  ['each version is a new one', ['v1', 'v2', 'v3'], []],
])('a version failed if a deploy of an earlier one has replaced it: %s', (_, versions, expected) => {
  const changes = versions.map((version, n) => change(version, (versions.length - n) * DAY));
  const { deploys, figures } = reportOf(changes);
  expect(deploys.flatMap(({ version, failures }) => (failures.length > 0 ? [version] : [])).toReversed()).toEqual(
    expected,
  );
  const redeploys = expected.length;
  expect([figures.change_failure_rate.failed, figures.change_failure_rate.deploys]).toEqual([
    redeploys,
    versions.length - redeploys,
  ]);
  expect(figures.rework_rate.rework).toBe(redeploys);
});

test('a region that is deployed hours after another one is no rollback', () => {
  const versions = ['v2', 'v3', 'v2', 'v3'];
  const { figures } = reportOf(versions.map((version, n) => change(version, 10 * DAY - n * 120)));
  expect(figures.change_failure_rate).toMatchObject({ failed: 0, deploys: 4 });
});

test('a version that was deployed before the window counts as an earlier one', () => {
  const changes = [change('v1', 40 * DAY), change('v2', 20 * DAY), change('v1', 18 * DAY), change('v2', 5 * DAY)];
  const { deploys } = reportOf(changes);
  expect(deploys.map(({ version, kind, failures }) => [version, kind, failures.length])).toEqual([
    ['v2', 'deploy', 0],
    ['v1', 'rollback', 0],
    ['v2', 'deploy', 1],
  ]);
});

test.each(['started', 'cancelled', 'succeeded', 'failed'] as const)(
  'a deploy that Firebreak rolled back failed, whatever its recorded status: %s',
  (status) => {
    const { figures, deploys } = reportOf([
      change('v1', 3 * DAY),
      change('v2', 30, { status, rolled_back_by: 'inc_1' }),
      change('v1', 1, { kind: 'rollback', previous_version: 'v2' }),
    ]);
    expect(figures.change_failure_rate).toMatchObject({ failed: 1, deploys: 2 });
    expect(deploys.find(({ version }) => version === 'v2')?.pending).toBe(false);
  },
);

test('a recovery counts from the start of a deploy whose end its pipeline reports only later', () => {
  const { deploys } = reportOf([
    change('v1', 3 * DAY),
    change('v2', 30, { finished_at: NOON }),
    change('v1', 10, { kind: 'rollback', previous_version: 'v2', finished_at: before(9) }),
  ]);
  expect(deploys.map(({ recovery_s: seconds }) => seconds)).toEqual([null, 21 * 60, null]);
});
