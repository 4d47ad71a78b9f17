import { describe, expect, test } from 'vitest';
import { reworkByCommit, reworkOf } from '../decisions/rework.ts';
import type { MergedPullRequest } from '../../../schemas/changes/code.ts';
import { DeliveryFile } from '../../../schemas/changes/delivery-file.ts';
import type { DeployRecord } from '../deploy-record.ts';

const merged = (given: Partial<MergedPullRequest>) =>
  ({
    repository: 'acme/cart',
    number: 1,
    title: 'Faster',
    head: 'faster',
    labels: [],
    reverts: null,
    merged_at: '2026-11-20T12:00:00.000Z',
    merge_commit: 'a',
    ...given,
  }) as MergedPullRequest;

const reverts = { number: 7, commit: null };

const reasonOf = (given: Partial<MergedPullRequest>, file: unknown = {}) =>
  reworkByCommit([merged(given)], DeliveryFile.parse(file)).get('a')?.rework;

describe('a merged pull request is rework', () => {
  test.each<[string, Partial<MergedPullRequest>, string | undefined]>([
    ['not by itself', {}, undefined],
    ['as a revert', { reverts, title: 'Revert "Faster"' }, 'revert'],
    ['as a revert with an own title', { reverts, title: 'Undo the faster cart' }, 'revert'],
    ['not as the revert of a revert', { reverts, title: 'Revert "Revert "Faster""' }, undefined],
    ['as the third revert', { reverts, title: 'Revert "Revert "Revert "Faster"""' }, 'revert'],
    ['by a label', { labels: ['bug', 'Hotfix'] }, 'hotfix'],
    ['not by a label with more text', { labels: ['no-hotfix-needed'] }, undefined],
    ['by a branch', { head: 'hotfix/cart-empty' }, 'hotfix'],
    ['not by a branch with more text before', { head: 'docs/hotfix/cart' }, undefined],
    ['as a revert first', { reverts, labels: ['hotfix'] }, 'revert'],
  ])('%s', (_, given, expected) => {
    expect(reasonOf(given)).toBe(expected);
  });

  test('by the configured names', () => {
    const file = { rework: { hotfixLabels: ['sev*-fix'], hotfixBranches: ['*/urgent/*'] } };
    expect(reasonOf({ labels: ['hotfix'], head: 'hotfix/a' }, file)).toBeUndefined();
    expect(reasonOf({ labels: ['sev1-fix'] }, file)).toBe('hotfix');
    expect(reasonOf({ head: 'ada/urgent/cart' }, file)).toBe('hotfix');
    expect(reasonOf({ head: 'ada/urgent' }, file)).toBeUndefined();
    // A text before a wildcard is not shared with the one behind it.
    expect(reasonOf({ labels: ['aba'] }, { rework: { hotfixLabels: ['ab*ba'] } })).toBeUndefined();
  });
});

const deploy = (id: string, given: Partial<DeployRecord> = {}) =>
  ({ id, kind: 'deploy', version: id, commits: [], ...given }) as unknown as DeployRecord;

describe('a deploy is rework', () => {
  const byCommit = reworkByCommit(
    [
      merged({ merge_commit: 'fix', labels: ['hotfix'], number: 3 }),
      merged({ merge_commit: 'undo', reverts, number: 4 }),
    ],
    DeliveryFile.parse({}),
  );
  const found = (...records: DeployRecord[]) => Object.fromEntries(reworkOf(records, byCommit));

  test('by its kind, or by a commit, and a revert counts before a hotfix', () => {
    const at = '2026-11-20T12:00:00.000Z' as DeployRecord['at'];
    expect(
      found(
        deploy('plain'),
        deploy('back', { kind: 'rollback' }),
        deploy('quick', { kind: 'hotfix' }),
        deploy('both', { commits: [['fix', at]], undated: ['undo'] }),
      ),
    ).toEqual({
      back: { rework: 'rollback', rework_pull_request: null },
      quick: { rework: 'hotfix', rework_pull_request: null },
      both: { rework: 'revert', rework_pull_request: { repository: 'acme/cart', number: 4 } },
    });
  });

  test('once for each pull request', () => {
    const [first, again] = [deploy('first', { undated: ['fix'] }), deploy('again', { undated: ['fix'] })];
    expect(Object.keys(found(first, again))).toEqual(['first']);
  });

  test('if its version is the commit', () => {
    expect(Object.keys(found(deploy('fix'), deploy('other')))).toEqual(['fix']);
  });
});
