import { describe, expect, test } from 'vitest';
import { codeFigures, type ServiceCode } from '../../decisions/code-figures.ts';
import { coverageIn } from '../../decisions/coverage.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import type { PullRequest, Push } from '../../../../schemas/changes/code.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

const NOW = '2026-11-20T12:00:00.000Z' as Timestamp;
const HOUR = 3600;
const ago = (hours: number): Timestamp => plusSeconds(NOW, -hours * HOUR);
const WINDOW = { from: ago(24 * 14), until: NOW };

const push = (shas: Record<string, string[] | null>, hours: number, more: Partial<Push> = {}): Push => ({
  forge: 'github',
  repository: 'acme/shop',
  branch: 'main',
  before: null,
  after: Object.keys(shas).at(-1) ?? '',
  received_at: ago(hours),
  commits: Object.entries(shas).map(([sha, paths]) => ({ sha, committed_at: ago(hours), paths })),
  truncated: false,
  ...more,
});

const pullRequest = (number: number, openedHours: number, more: Partial<PullRequest> = {}): PullRequest => ({
  forge: 'github',
  repository: 'acme/shop',
  number,
  title: 'Add a cart',
  url: null,
  author: 'ada',
  base: 'main',
  head: 'cart',
  labels: [],
  draft: false,
  opened_at: ago(openedHours),
  first_review_at: null,
  approved_at: null,
  merged_at: null,
  closed_at: null,
  merge_commit: null,
  reverts: null,
  updated_at: NOW,
  ...more,
});

const PUSHES = [
  push({ old: null }, 24 * 15),
  push({ a: ['cart/a.ts'], b: ['search/b.ts'] }, 30),
  push({ b: ['search/b.ts'], c: ['cart/c.ts', 'search/c.ts'] }, 20),
  push({ feature: ['cart/x.ts'] }, 10, { branch: 'a-branch' }),
  push({ other: ['cart/y.ts'] }, 10, { branch: 'develop', default_branch: 'develop' }),
  push({ main: ['cart/y.ts'] }, 10, { branch: 'main', default_branch: 'develop' }),
];
const PULL_REQUESTS = [
  pullRequest(1, 24 * 20, { first_review_at: ago(24 * 19), merged_at: ago(30), merge_commit: 'a' }),
  pullRequest(2, 40, { first_review_at: ago(36), merged_at: ago(20), merge_commit: 'c' }),
  pullRequest(3, 50, { first_review_at: ago(48), closed_at: ago(5) }),
  pullRequest(4, 2),
  pullRequest(5, 24 * 30, { merged_at: ago(24 * 20), merge_commit: 'old' }),
];
const of = (service: string, path?: string, runs: ServiceCode['runs'] = []): ServiceCode => ({
  service: service as ServiceName,
  repository: { pushes: PUSHES, pullRequests: PULL_REQUESTS },
  path,
  runs,
});

describe('the figures of code', () => {
  test('count what happened in the window, each commit and pull request once', () => {
    // Commits a, b, and c on main, and "other" on the default branch develop.
    const expected = {
      commits: 4,
      pull_requests: { opened: 3, merged: 2, closed: 1 },
      // Reviews after 4 and 2 hours; the first one was before the window.
      first_review: { count: 2, median_s: 3 * HOUR, p90_s: 4 * HOUR },
      // Merges after 450 and 20 hours.
      merge: { count: 2, median_s: 235 * HOUR, p90_s: 450 * HOUR },
    };
    expect(codeFigures([of('cart')], WINDOW)).toMatchObject(expected);
    expect(codeFigures([of('cart'), of('search')], WINDOW)).toMatchObject(expected);
  });

  test('of a folder have its commits, and the pull requests whose merge has one of them', () => {
    expect(codeFigures([of('search', 'search')], WINDOW)).toMatchObject({
      commits: 2, // b, c
      pull_requests: { opened: 1, merged: 2, closed: 0 },
    });
    expect(codeFigures([of('docs', 'docs')], WINDOW)).toMatchObject({
      commits: 0,
      pull_requests: { opened: 0, merged: 0, closed: 0 },
      merge: { count: 0, median_s: null, p90_s: null },
    });
  });

  test('have the newest coverage of the default branch', () => {
    const run = (hours: number, coverage: number | null, branch = 'main') => ({
      branch,
      default_branch: null,
      coverage,
      at: ago(hours),
    });
    const runs = [run(9, 0.7), run(5, 0.8), run(4, null), run(3, 0.1, 'a-branch')];
    expect(codeFigures([of('cart', undefined, runs), of('search')], WINDOW).coverage).toEqual([
      { service: 'cart', value: 0.8, at: ago(5) },
    ]);
  });
});

describe('a coverage report', () => {
  const lcov = (covered: number, all: number) => `TN:\nSF:/a.ts\nDA:1,1\nLF:${all}\nLH:${covered}\nend_of_record\n`;

  test.each([
    [
      'of Cobertura',
      '<?xml version="1.0" ?>\n<!DOCTYPE coverage SYSTEM "coverage-04.dtd">\n<coverage line-rate="0.87" branch-rate="0.5" lines-covered="348" lines-valid="400" version="1.9" timestamp="1">\n<packages/></coverage>',
      0.87,
    ],
    ['of Cobertura without counts', "<coverage line-rate='0.5' version='2'>", 0.5],
    ['of lcov, over all files', lcov(1, 2) + lcov(29, 38), 0.75],
    ['of lcov on Windows', lcov(1, 4).replaceAll('\n', '\r\n'), 0.25],
    ['without lines', lcov(0, 0), undefined],
    ['with more covered lines than lines', lcov(3, 2), undefined],
    ['with a rate above 1', '<coverage line-rate="87">', undefined],
    ['of something else', '<testsuite tests="2"/>', undefined],
  ])('%s', (_, text, expected) => {
    expect(coverageIn(text)).toBe(expected);
  });
});
