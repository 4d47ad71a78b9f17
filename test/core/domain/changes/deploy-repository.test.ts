import { describe, expect, test } from 'vitest';
import { isMerge, namesInMessage } from '../../../../core/domain/changes/commit-message.ts';
import {
  commitForDeployer,
  decidingCommit,
  deployedByCommit,
} from '../../../../core/domain/changes/deploy-repository.ts';
import { Push, type PushedCommit } from '../../../../schemas/changes/code.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const SHA = '4c1f0d9c4c1f0d9c4c1f0d9c4c1f0d9c4c1f0d9c';

describe('the message of a commit', () => {
  // The first two are of Argo CD Image Updater, the next two of Flux, as their documentation has them.
  test.each([
    [
      "build: automatic update of shop\n\nupdates image ghcr.io/acme/shop tag '1.4.0' to '1.5.0'\nupdates image quay.io/dexidp/dex tag 'v2.28.0' to 'v2.29.0'\n",
      ['ghcr.io/acme/shop:1.5.0', 'quay.io/dexidp/dex:v2.29.0'],
    ],
    [`updates image ghcr.io/acme/shop tag 'latest' to '${DIGEST}'`, [`ghcr.io/acme/shop@${DIGEST}`]],
    [
      'Automated image update\n\nChanges:\n- docker.io/nginx:1.25.4 -> docker.io/nginx:1.25.5\n- docker.io/org/app:1.0.0 -> docker.io/org/app:1.0.1\n\nFiles:\n- apps/my-app/deployment.yaml\n',
      ['docker.io/nginx:1.25.5', 'docker.io/org/app:1.0.1'],
    ],
    ['Update a.io/shop:1 -> a.io/shop:2 a.io/cart:3 → a.io/cart:4', ['a.io/shop:2', 'a.io/cart:4']],
    ['Deploy `localhost:5000/shop:1.2.3`.', ['localhost:5000/shop:1.2.3']],
  ])('names its images: %j', (message, images) => {
    expect(namesInMessage(message)).toEqual({ names: { images, commits: [] } });
  });

  test.each([
    'Update from image update automation',
    'feat: a new folder\n\nsee https://example.com:8080/a:b',
    'shop: 1.4.0 -> 1.5.0',
    "updates image  tag '' to ''",
    'Fix\u0000 :latest @sha256:12',
  ])('names nothing: %j', (message) => {
    expect(namesInMessage(message)).toEqual({});
  });

  test.each([
    [`Upstream Commit: https://github.com/Acme/shop/commit/${SHA}`, 'acme/shop'],
    [`Upstream Commit: https://gitlab.com/acme/web/shop/-/commit/${SHA}`, 'acme/web/shop'],
    [`Upstream Commit: https://bitbucket.org/acme/shop/commits/${SHA}`, 'acme/shop'],
    [`Deploy acme/shop@${SHA}`, 'acme/shop'],
  ])('names a commit of another repository: %j', (message, repository) => {
    expect(namesInMessage(message)).toEqual({ names: { images: [], commits: [{ repository, commit: SHA }] } });
  });

  test('is bounded', () => {
    const many = Array.from({ length: 100 }, (_, n) => `a.io/s${n}:1 acme/s${n}@${SHA}`).join('\n');
    expect(namesInMessage(many).names?.images).toHaveLength(30);
    expect(namesInMessage(many).names?.commits).toHaveLength(30);
    expect(namesInMessage(`${'a'.repeat(100_000)}:1`)).toEqual({});
  });

  test('of a merge says only what is merged', () => {
    expect(["Merge branch 'main' into x", 'Merge pull request #3 from acme/x', 'Merge the carts'].map(isMerge)).toEqual(
      [true, true, false],
    );
  });
});

const commit = (sha: string, paths: string[] | null, more: Partial<PushedCommit> = {}): PushedCommit => ({
  sha,
  committed_at: null,
  paths,
  ...more,
});
const push = (before: string | null, commits: PushedCommit[], truncated = false): Push =>
  Push.parse({
    forge: 'github',
    repository: 'acme/deploy',
    branch: 'main',
    before,
    after: commits.at(-1)?.sha,
    received_at: '2026-11-20T12:00:00.000Z',
    commits,
    truncated,
  });

describe('the commit that decides what a revision deploys', () => {
  const shop = 'apps/shop/production';
  const pushes = [
    push('b', [commit('c', ['apps/cart/a.yaml']), commit('m', ['apps/shop/production/x'], { is_merge: true })]),
    push('0', [commit('a', ['apps/shop/production/kustomization.yaml']), commit('b', ['apps/shop/staging/x.yaml'])]),
  ];
  const decides = (revision: string, folder: string | null = shop, all = pushes) =>
    decidingCommit(all, revision, folder)?.sha;

  test('is the newest one in the folder, also in an earlier push', () => {
    expect([decides('m'), decides('c'), decides('b'), decides('a')]).toEqual(['a', 'a', 'a', 'a']);
    expect([decides('m', 'apps/cart/'), decides('b', 'apps/cart'), decides('m', null)]).toEqual(['c', undefined, 'c']);
  });

  test('is unknown if a push or the files of a commit in between are', () => {
    expect(decides('x')).toBeUndefined();
    expect(decides('m', shop, pushes.slice(0, 1))).toBeUndefined();
    const truncated = [push('b', [commit('c', [])], true), ...pushes.slice(1)];
    expect(decides('c', shop, truncated)).toBeUndefined();
    expect(decides('c', shop, [push('b', [commit('c', null)]), ...pushes.slice(1)])).toBeUndefined();
  });

  test('names one image of the service, and one commit of its repository', () => {
    const service = { images: ['a.io/shop'], repository: 'https://github.com/acme/shop.git' };
    const by = (message: string) => deployedByCommit(commit('a', [], namesInMessage(message)), service);
    expect(by(`a.io/shop:2 a.io/cart:3 acme/shop@${SHA} acme/cart@${SHA}`)).toEqual({
      image: 'a.io/shop:2',
      commit: SHA,
    });
    expect(by('a.io/shop:2 and a.io/shop:3')).toEqual({ image: null, commit: null });
    expect(by('by hand')).toEqual({ image: null, commit: null });
  });
});

test.each([
  [{ kind: 'argo-cd' }, SHA],
  [{ kind: 'github', via: 'revert' }, SHA],
  [{ kind: 'github', via: 'rerun' }, null],
  [{ kind: 'kubernetes' }, null],
  [{ kind: 'ecs' }, null],
])('the deployer %j gets the commit of a repository for deployments only if it knows it: %s', (deployer, expected) => {
  const applied = { version: 'v1', commit: SHA, reported_by: 'argo-cd' } as never;
  expect(commitForDeployer(applied, deployer as never)).toBe(expected);
});
