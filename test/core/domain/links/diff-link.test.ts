import { expect, test } from 'vitest';
import { diffLink } from '../../../../core/domain/links/diff-link.ts';

const commits = { from: 'aaaaaaa', to: 'bbbbbbb' };

test.each([
  ['https://github.com/Acme/Checkout.git', [], 'https://github.com/Acme/Checkout/compare/aaaaaaa...bbbbbbb'],
  ['https://gitlab.com/a/b/c', [], 'https://gitlab.com/a/b/c/-/compare/aaaaaaa...bbbbbbb'],
  ['a/b', [null, 'https://git.test/a/b/-/jobs/7'], 'https://git.test/a/b/-/compare/aaaaaaa...bbbbbbb'],
  [
    'git@github.com:a/b.git',
    ['https://github.com/a/b/actions/runs/7'],
    'https://github.com/a/b/compare/aaaaaaa...bbbbbbb',
  ],
  ['a/b', ['https://evil.test/a/bb/x', 'not a URL'], null],
  ['a/b', [], null],
  [undefined, ['https://github.com/a/b'], null],
])('the commits of %s are compared at its forge', (repository, pages, expected) => {
  expect(diffLink(repository, { ...commits, pages })).toBe(expected);
});

test('without two different commits, nothing is compared', () => {
  const repository = 'https://github.com/a/b';
  for (const [from, to] of [
    ['aaaaaaa', 'aaaaaaa'],
    [null, 'bbbbbbb'],
    ['main/../../x', 'bbbbbbb'],
  ])
    expect(diffLink(repository, { from, to, pages: [] })).toBeNull();
});
