import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commitsWithin, deployedCommits, mergedPullRequest, revertedBy } from '../../../../core/domain/changes/code.ts';
import type { PullRequest, PullRequestReport, Push } from '../../../../schemas/changes/code.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

const at = (seconds: number) => plusSeconds(NOON, seconds);

/** A push of commits, named by letters, oldest first. */
const push = (before: string | null, letters: string, more: Partial<Push> = {}): Push => ({
  forge: 'github',
  repository: 'acme/shop',
  branch: 'main',
  before,
  after: letters.at(-1) ?? '',
  received_at: at(0),
  commits: [...letters].map((sha) => ({ sha, committed_at: at(sha.charCodeAt(0)), paths: [`services/${sha}/x.ts`] })),
  truncated: false,
  ...more,
});

const since = (pushes: Push[], commit: string, previous: string | null): string | null | undefined => {
  const found = deployedCommits(pushes, commit, previous);
  return found && (found.commits?.map(({ sha }) => sha).join('') ?? null);
};

describe('the commits of a deployment', () => {
  const pushes = [push('d', 'ef'), push('b', 'cd'), push(null, 'ab')];

  test.each([
    ['one push', 'f', 'd', 'ef'],
    ['several pushes', 'f', 'b', 'cdef'],
    ['a commit inside a push', 'e', 'c', 'de'],
    ['from inside a push', 'd', 'a', 'bcd'],
    ['everything since the first push', 'f', 'a', 'bcdef'],
    ['the first recorded deployment', 'f', null, null],
    ['the same commit again', 'f', 'f', null],
    ['a commit that was not pushed since', 'f', 'z', null],
    ['an older commit than the previous one', 'b', 'f', null],
    ['an unknown commit', 'z', 'f', undefined],
  ])('%s', (_, commit, previous, expected) => {
    expect(since(pushes, commit, previous)).toBe(expected);
    expect(since(pushes.toReversed(), commit, previous)).toBe(expected);
  });

  test('has the time of its commit also without the others', () => {
    expect(deployedCommits(pushes, 'f', null)).toEqual({ committed_at: at('f'.charCodeAt(0)), commits: null });
  });

  test('are not taken from an incomplete row of pushes', () => {
    expect(since([push('d', 'ef'), push(null, 'ab')], 'f', 'b')).toBeNull();
    expect(since([push('d', 'ef', { truncated: true }), push('b', 'cd')], 'f', 'b')).toBeNull();
    expect(since([push('d', 'ef', { truncated: true })], 'f', 'e')).toBe('f');
  });

  test('come from the branch on which the previous commit is', () => {
    const feature = push('x', 'cdef', { branch: 'feature' });
    expect(since([feature, ...pushes], 'f', 'b')).toBe('cdef');
    expect(since([...pushes, feature], 'f', 'x')).toBe('cdef');
  });

  test('of a service in a folder change a file there', () => {
    const [{ commits } = push(null, '')] = pushes;
    expect(commitsWithin(commits, 'services/e/').map(({ sha }) => sha)).toEqual(['e']);
    expect(commitsWithin(commits, 'services').map(({ sha }) => sha)).toEqual(['e', 'f']);
    expect(commitsWithin(commits, 'serv')).toEqual([]);
    expect(commitsWithin(commits, undefined)).toEqual(commits);
    expect(commitsWithin([{ sha: 'g', committed_at: null, paths: null }], 'services/e')).toHaveLength(1);
  });
});

const opened: PullRequestReport = {
  forge: 'github',
  repository: 'acme/shop',
  number: 7,
  title: 'Faster',
  url: null,
  author: 'ada',
  base: 'main',
  head: 'faster',
  labels: [],
  draft: false,
  opened_at: at(0),
  merged_at: null,
  closed_at: null,
  merge_commit: null,
  reverts: null,
  updated_at: at(0),
  review: null,
};

describe('a pull request', () => {
  const events: PullRequestReport[] = [
    { ...opened, merge_commit: 'trial' },
    { ...opened, labels: ['hotfix'], updated_at: at(5) },
    { ...opened, labels: ['hotfix'], updated_at: at(10), review: { at: at(10), approves: false } },
    { ...opened, labels: ['hotfix'], updated_at: at(20), review: { at: at(20), approves: true } },
    { ...opened, title: 'Much faster', author: null, updated_at: at(25) },
    { ...opened, title: 'Much faster', updated_at: at(25), draft: true },
    { ...opened, title: 'Fast', updated_at: at(30), merged_at: at(30), closed_at: at(30), merge_commit: 'abc' },
    {
      ...opened,
      title: 'Fast',
      updated_at: at(30),
      merged_at: at(30),
      closed_at: at(30),
      merge_commit: 'abc',
      labels: ['x'],
    },
  ];
  const merged = (all: readonly PullRequestReport[]) =>
    all.reduce<PullRequest | undefined>((known, one) => mergedPullRequest(known, one), undefined);

  test('is the same after any order and any repetition of its events', () => {
    expect(merged(events)).toMatchObject({
      title: 'Fast',
      first_review_at: at(10),
      approved_at: at(20),
      merged_at: at(30),
      closed_at: null,
      merge_commit: 'abc',
    });
    const orders = fc
      .subarray(events, { minLength: 1 })
      .chain((some) =>
        fc.tuple(
          fc.constant(some),
          fc.shuffledSubarray(some, { minLength: some.length }),
          fc.array(fc.constantFrom(...some), { maxLength: 5 }),
        ),
      );
    fc.assert(
      fc.property(orders, ([some, shuffled, again]) => {
        expect(merged([...shuffled, ...again])).toEqual(merged(some));
        expect(merged([...again, ...shuffled])).toEqual(merged(some));
      }),
      { numRuns: runs(60) },
    );
  });

  test('that is closed and opened again is open', () => {
    const closed = { ...opened, closed_at: at(5), updated_at: at(5) };
    expect(merged([opened, closed])).toMatchObject({ closed_at: at(5), merged_at: null });
    expect(merged([opened, closed, { ...opened, updated_at: at(9) }])).toMatchObject({ closed_at: null });
  });
});

test.each([
  ['Revert "Faster"', 'Reverts acme/shop#12', { number: 12, commit: null }],
  ['Revert "Faster"', '', { number: null, commit: null }],
  ['Undo', 'This reverts merge request !9', { number: 9, commit: null }],
  [
    'Revert "x"',
    'Why.\n\nThis reverts commit 0123456789abcdef0123456789abcdef01234567.',
    { number: null, commit: '0123456789abcdef0123456789abcdef01234567' },
  ],
  ['Reverting is easier now', 'It reverts acme/shop#12 in a click', null],
  ['Faster', '', null],
])('a revert is recognized: %s %s', (title, body, expected) => {
  expect(revertedBy(title, body)).toEqual(expected);
});
