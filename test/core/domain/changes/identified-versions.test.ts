import { describe, expect, test } from 'vitest';
import {
  currentVersion,
  isCalled,
  movedText,
  nameMovedTo,
  newestReportedBy,
  pinnedVersions,
  reportedName,
  versionNamed,
  whyNameUnclear,
  withIdentities,
  withPinnedCommit,
} from '../../../../core/domain/changes/identified-versions.ts';
import { sameVersion } from '../../../../core/domain/changes/versions.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { Version } from '../../../../schemas/config/names.ts';
import { before, change } from '../../arbitraries.ts';

const [A, B, C] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)];

const image = (digits: string, of = 'argo-cd ghcr.io/acme/web') => ({ of, id: `sha256:${digits.padEnd(64, '0')}` });

const versionsOf = (changes: readonly Change[], stays = false) =>
  withIdentities(changes, { stays }).map(({ version, reported_version: reported }) =>
    reported === undefined ? version : [version, reported],
  );

describe('versions are compared and shown', () => {
  const branch = [change('6.4', 90, { commit: A }), change('6.4', 60, { commit: B })];

  test.each<[string, Change[], unknown[]]>([
    ['by their names', [change('v1', 90, { commit: A }), change('v2', 60)], ['v1', 'v2']],
    [
      'by their names, if one is deployed again',
      [change('v1', 90, { commit: A }), change('v1', 60, { commit: A })],
      ['v1', 'v1'],
    ],
    [
      'with the commit, if a name was seen with two',
      branch,
      [
        ['6.4 (1111111)', '6.4'],
        ['6.4 (2222222)', '6.4'],
      ],
    ],
    [
      'alike if one commit is shortened',
      [...branch, change('6.4', 30, { commit: B.slice(0, 8) })],
      [
        ['6.4 (1111111)', '6.4'],
        ['6.4 (2222222)', '6.4'],
        ['6.4 (2222222)', '6.4'],
      ],
    ],
    [
      'by the name alone, if the commit is not known',
      [...branch, change('6.4', 30)],
      [['6.4 (1111111)', '6.4'], ['6.4 (2222222)', '6.4'], '6.4'],
    ],
    ['in the first spelling', [change('v42', 90), change('42', 60)], ['v42', ['v42', '42']]],
    ['in the first spelling, whichever it is', [change('42', 90), change('V42', 60)], ['42', ['42', 'V42']]],
    [
      'in the first spelling with the commit, if it differs',
      [change('v42', 90, { commit: A }), change('42', 60, { commit: B })],
      [
        ['v42 (1111111)', 'v42'],
        ['v42 (2222222)', '42'],
      ],
    ],
    [
      'without commits of another repository',
      [change('v1', 90, { commit: A, reported_by: 'argo-cd' }), change('v1', 60, { commit: B, reported_by: 'github' })],
      ['v1', 'v1'],
    ],
    [
      'without commits of the repository for deployments, which has several for one version',
      [
        change('v1', 90, { commit: A, reported_by: 'argo-cd' }),
        change('v1', 60, { commit: B, reported_by: 'argo-cd' }),
        change('v1', 30, { commit: C, deploy_commit: C }),
      ],
      ['v1', 'v1', 'v1'],
    ],
    [
      'with the commits of the application, if the system that applies the repository for deployments knows them',
      [
        change('6.4', 90, { commit: A, deploy_commit: C, reported_by: 'argo-cd' }),
        change('6.4', 60, { commit: B, deploy_commit: C, reported_by: 'argo-cd' }),
        change('6.4', 30, { commit: C, reported_by: 'argo-cd' }),
      ],
      [['6.4 (1111111)', '6.4'], ['6.4 (2222222)', '6.4'], '6.4'],
    ],
    [
      'with the digest, if a tag meant two images',
      [
        change('stable', 90, { artifact: image(A), commit: C, reported_by: 'argo-cd' }),
        change('stable', 60, { artifact: image(B), commit: B, reported_by: 'argo-cd' }),
        change('stable', 30),
      ],
      [['stable (sha256:1111111)', 'stable'], ['stable (sha256:2222222)', 'stable'], 'stable'],
    ],
    [
      'with the digest also after the commit of one is reported',
      [change('stable', 90, { artifact: image(A) }), change('stable', 60, { artifact: image(B), commit: B })],
      [
        ['stable (sha256:1111111)', 'stable'],
        ['stable (sha256:2222222)', 'stable'],
      ],
    ],
    [
      'with the chart, if two had the same version of the application',
      [
        change('2.0', 90, { artifact: { of: 'flux HelmRelease/apps/web', id: 'chart 0.1.3' } }),
        change('2.0', 60, { artifact: { of: 'flux HelmRelease/apps/web', id: 'chart 0.1.4' } }),
      ],
      [
        ['2.0 (chart 0.1.3)', '2.0'],
        ['2.0 (chart 0.1.4)', '2.0'],
      ],
    ],
    [
      'by their names, if another sender, or another object, names another artifact',
      [
        change('v1', 90, { artifact: image(A) }),
        change('v1', 60, { artifact: image(B, 'kubernetes shop/Deployment/web') }),
        change('v1', 30, { artifact: { of: 'flux HelmRelease/eu/web', id: 'chart 0.1.4' } }),
      ],
      ['v1', 'v1', 'v1'],
    ],
    [
      'by their names, if the commit is the same, however it was built',
      [change('v1', 90, { artifact: image(A), commit: A }), change('v1', 60, { artifact: image(B), commit: A })],
      ['v1', 'v1'],
    ],
    [
      'by their name, if another system calls them by the commit',
      [
        change('v1', 90, { commit: A }),
        change(A, 60, { commit: A, reported_by: 'flux' }),
        change(B, 30, { commit: B }),
      ],
      ['v1', ['v1', A], B],
    ],
    [
      'with the commit, if one system calls a branch by it',
      [change('6.4', 90, { commit: A }), change('6.4', 60, { commit: B }), change(A, 30, { commit: A })],
      [
        ['6.4 (1111111)', '6.4'],
        ['6.4 (2222222)', '6.4'],
        ['6.4 (1111111)', A],
      ],
    ],
    [
      'by the commit, if only the run that rolled it back has it, too',
      [change('v1', 90), change(A, 60, { commit: A }), change('v1', 30, { commit: A, kind: 'rollback' })],
      ['v1', A, 'v1'],
    ],
    [
      'by the commit, if it has two other names',
      [change('v1', 90, { commit: A }), change('r7', 60, { commit: A }), change(A, 30, { commit: A })],
      ['v1', 'r7', A],
    ],
    [
      'only if they put a version live',
      [change('on', 90, { kind: 'flag', commit: A }), change('on', 60, { kind: 'flag', commit: B })],
      ['on', 'on'],
    ],
    [
      'by their names, if only a rollback from another one has another commit, that of its run or of a revert',
      [
        change('v41', 90, { commit: A }),
        change('v42', 60),
        change('v41', 30, { commit: C, kind: 'rollback', previous_version: 'v42' }),
        change('v41', 20, { commit: B, kind: 'rollback' }),
      ],
      ['v41', 'v42', 'v41', 'v41'],
    ],
    [
      'with the commit of a rollback from another commit of the same name',
      [
        change('6.4', 90, { commit: A }),
        change('6.4', 30, { commit: C, kind: 'rollback', previous_version: '6.4 (1111111)' }),
      ],
      [
        ['6.4 (1111111)', '6.4'],
        ['6.4 (3333333)', '6.4'],
      ],
    ],
    ['as they are, if a name looks like one with a commit', [change('x (1234567)', 90)], ['x (1234567)']],
  ])('%s', (_, changes, expected) => {
    expect(versionsOf(changes)).toEqual(expected);
    // Whatever was stored before, the result is the same.
    expect(versionsOf(withIdentities(changes, { stays: false }))).toEqual(expected);
  });

  test('with the commit as long as another one is known, or as stored', () => {
    const [, newer] = withIdentities(branch, { stays: false });
    expect(versionsOf([newer as Change])).toEqual([['6.4', '6.4']]);
    expect(versionsOf([newer as Change], true)).toEqual([['6.4 (2222222)', '6.4']]);
  });

  test('within the limit of names', () => {
    const long = 'x'.repeat(256);
    const [one, other] = withIdentities([change(long, 9, { commit: A }), change(long, 6, { commit: B })], {
      stays: false,
    });
    expect([one?.version.length, one?.reported_version, one?.version === other?.version]).toEqual([256, long, false]);
  });
});

describe('a name that is sent means', () => {
  const changes = withIdentities(
    [change('6.4', 90, { commit: A }), change('6.4', 60, { commit: B }), change('v42', 30, { commit: C })],
    { stays: false },
  );

  test.each<[string, string, string | null, string]>([
    ['the version with this text', '6.4 (1111111)', null, '6.4 (1111111)'],
    ['the version of this commit', '6.4', A, '6.4 (1111111)'],
    ['the version of this short commit', '6.4', '2222222', '6.4 (2222222)'],
    ['none of several versions', '6.4', null, '6.4'],
    ['none of another commit', '6.4', C, '6.4'],
    ['the version by its commit alone', '22222222', null, '6.4 (2222222)'],
    ['the version in another spelling', '42', null, 'v42'],
    ['the version in another spelling, with its commit', '42', C, 'v42'],
    ['no version of another commit', '42', A, '42'],
    ['no recorded version', 'v9', null, 'v9'],
  ])('%s', (_, name, commit, expected) => {
    expect(versionNamed(changes, name, commit)).toBe(expected);
  });
});

test('a name has moved if its newest commit is another one', () => {
  const [older, newer] = withIdentities([change('6.4', 90, { commit: A }), change('6.4', 60, { commit: B })], {
    stays: false,
  }) as [Change, Change];
  expect(nameMovedTo([older, newer], older)).toBe(newer);
  expect(nameMovedTo([older, newer], newer)).toBeUndefined();
  expect(
    nameMovedTo([change('v1', 9, { commit: A }), change('v1', 6)], change('v1', 9, { commit: A })),
  ).toBeUndefined();
});

test('a rollback does not move a name', () => {
  const [good, bad, rollback] = withIdentities(
    [
      change('6.4', 90, { commit: A }),
      change('6.4', 60, { commit: B }),
      change('6.4', 30, { commit: A, kind: 'rollback' }),
    ],
    { stays: false },
  ) as [Change, Change, Change];
  expect(nameMovedTo([good, bad, rollback], rollback)).toBe(bad);
  expect(nameMovedTo([good, bad, rollback], good)).toBe(bad);
  expect(nameMovedTo([good, bad, rollback], bad)).toBeUndefined();
});

test('a system that knows only names can restore no certain commit of a branch', () => {
  const changes = withIdentities(
    [change('6.4', 90, { commit: A }), change('6.4', 60, { commit: B }), change('v42', 30, { commit: C })],
    { stays: false },
  );
  const why = (version: string, namesOnly: boolean) => whyNameUnclear(changes, version as Version, { namesOnly });
  expect([why('6.4 (2222222)', false), why('v42', true), why('v9', true)]).toEqual([null, null, null]);
  expect(why('6.4 (1111111)', false)).toBe(
    'the deploying system knows 6.4 (1111111) as 6.4, which now means the commit 2222222',
  );
  expect(why('6.4 (2222222)', true)).toBe(
    'the deploying system knows 6.4 (2222222) only as 6.4, which was deployed with several commits',
  );
});

test('the name of a branch may have moved if a commit of it is not known', () => {
  const [older, between, newer] = withIdentities(
    [change('6.4', 90, { commit: A }), change('6.4', 60), change('6.4', 30, { commit: B })],
    { stays: false },
  ) as [Change, Change, Change];
  expect(nameMovedTo([older, between, newer], between)).toBe(newer);
  const unknown = change('6.4', 9);
  const changes = [older, between, newer, unknown];
  expect(nameMovedTo(changes, newer)).toBe(unknown);
  expect(nameMovedTo(changes, unknown)).toBeUndefined();
  expect([movedText(between, newer), movedText(newer, unknown)]).toEqual([
    '6.4 was deployed with several commits, and which of them is to be restored is not known; the name now means the commit 2222222',
    'the deploying system knows 6.4 (2222222) as 6.4, which now means a commit that is not known',
  ]);
});

test('a version is called as its deployer called it, whoever reported it last', () => {
  const changes = withIdentities(
    [
      change('42', 90, { commit: A, reported_by: 'github' }),
      change('v42', 60, { reported_by: 'kubernetes' }),
      change('43', 30, { commit: B, reported_by: 'kubernetes' }),
    ],
    { stays: false },
  );
  const named = (version: string, system?: string) =>
    newestReportedBy(changes, version, system) && reportedName(newestReportedBy(changes, version, system) as Change);
  expect([named('42', 'github'), named('42', 'kubernetes'), named('42'), named('43', 'github')]).toEqual([
    '42',
    'v42',
    'v42',
    '43',
  ]);
  expect(named('44', 'github')).toBeUndefined();
});

test('a pin is of its commit, or of each commit if it has none', () => {
  const changes = withIdentities([change('6.4', 90, { commit: A }), change('6.4', 60, { commit: B })], {
    stays: false,
  });
  expect(pinnedVersions([{ version: '6.4', commit: A }], changes)).toEqual(['6.4 (1111111)']);
  expect(pinnedVersions([{ version: '6.4 (2222222)', commit: B }], changes)).toEqual(['6.4 (2222222)']);
  expect(pinnedVersions([{ version: '6.4', pinned_at: before(70) }], changes)).toEqual(['6.4 (1111111)']);
  expect(pinnedVersions([{ version: '6.4' }], changes)).toEqual(['6.4 (1111111)', '6.4 (2222222)']);
  expect(pinnedVersions([{ version: '42' }, { version: 'v9' }], [change('v42', 9)])).toEqual(['v42', 'v9']);
});

test('a pin without a commit gets that of the change that its incident rolled back, never that of a rollback', () => {
  const pin = { version: '6.4', commit: null as string | null, pinned_at: before(10), incident_id: 'inc' };
  const fixed = [change('6.4', 60, { commit: A, rolled_back_by: 'inc' }), change('6.4', 12, { commit: C })];
  expect(withPinnedCommit(pin, fixed).commit).toBe(A);
  expect(withPinnedCommit({ ...pin, incident_id: null }, fixed).commit).toBe(C);
  const restored = [
    change('6.4', 90, { commit: A }),
    change('6.4', 60),
    change('6.4', 12, { commit: A, kind: 'rollback' }),
  ];
  expect(withPinnedCommit(pin, restored)).toEqual(pin);
});

test('a stored version is first the one of its commit, then the one of its text', () => {
  const changes = withIdentities(
    [change('6.4', 90, { commit: A }), change('6.4', 60, { commit: C }), change('6.4', 30)],
    { stays: false },
  );
  expect(currentVersion(changes, '6.4' as Version, A)).toBe('6.4 (1111111)');
  expect(currentVersion(changes, '6.4' as Version, null)).toBe('6.4');
  expect(currentVersion(changes, '6.4 (3333333)' as Version, C)).toBe('6.4 (3333333)');
  expect(currentVersion(changes, '6.4 (3333333)' as Version, null)).toBe('6.4 (3333333)');
});

test('a pin has no commit of a repository for deployments, because the next one can deploy the same version', () => {
  const applied = [
    change('1.2.3', 90, { commit: A, reported_by: 'flux' }),
    change('1.2.3', 60, { commit: B, reported_by: 'flux' }),
  ];
  expect(withPinnedCommit({ version: '1.2.3', pinned_at: before(30) }, applied)).toEqual({
    version: '1.2.3',
    pinned_at: before(30),
  });
  expect(versionNamed(applied, '1.2.3', C)).toBe('1.2.3');
});

test.each([
  ['6.4 (2222222)', B, true],
  ['6.4 (2222222)', 'sha-22222222', true],
  ['6.4 (2222222)', '6.4 (2222222)', true],
  ['6.4 (2222222)', '6.4', false],
  ['6.4 (2222222)', A, false],
])('the version %s of a commit, and the label %s', (version, label, expected) => {
  expect([sameVersion(version, label), sameVersion(label, version)]).toEqual([expected, expected]);
});

test.each<[string, Partial<Change>, string, boolean]>([
  [A, {}, A.slice(0, 7), true],
  [A.slice(0, 7), {}, A, true],
  ['v42', {}, '42', true],
  ['6.4 (1111111)', { reported_version: '6.4' as Version }, '6.4', true],
  ['6.4 (1111111)', { reported_version: '6.4' as Version }, A, true],
  ['6.4 (1111111)', { reported_version: '6.4' as Version }, B, false],
  ['2.0', { reported_version: A as Version }, A.slice(0, 8), true],
  [A, {}, B.slice(0, 7), false],
])('%s (%o) is called %s: %s', (version, fields, name, called) => {
  expect(isCalled(change(version, 30, fields), name)).toBe(called);
});
