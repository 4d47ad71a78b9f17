import { describe, expect, test } from 'vitest';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import { argoCdDeployer } from '../../../vendors/argo-cd/deployer.ts';
import type { GitReverter, RevertRequest } from '../../../vendors/github/revert.ts';
import { type ArgoCdDeployer } from '../../../vendors/argo-cd/schema.ts';
import { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { exchange } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { argoWorld, gitWorld, type GitWorld, PATH, REPOSITORY, requestFor, V43 } from './world.ts';
import { vendor } from '../server.ts';

const said = (text: string) => expect.stringContaining(text) as string;
const AUTOMATED = { automated: { prune: true, selfHeal: true } };

const begin = async (world: GitWorld) => {
  const answer = await world.deployer.rollBack(world.request);
  if (answer.kind !== 'in_progress' || answer.handle === null) throw new Error(JSON.stringify(answer));
  const { handle } = answer;
  return { answer, look: () => world.deployer.status(handle, world.request) };
};

describe('a pull request', () => {
  test('waits for a person, and is followed from its merge to the rollout', async () => {
    const world = await gitWorld('pull-request');
    const { answer, look } = await begin(world);
    const url = said(`${REPOSITORY}/pull/1`);
    const waitsFor = said('/pull/1 must be merged');
    expect(answer).toMatchObject({ kind: 'in_progress', id: url, waitsFor });
    await world.settle();
    expect(await look()).toMatchObject({ kind: 'in_progress', id: url, waitsFor });
    expect(await world.running()).toBe('v42');

    await world.conclude('merge');
    await world.pull();
    const merged = await look(); // refreshes the application
    expect(merged).toMatchObject({ kind: 'in_progress' });
    expect(merged).not.toHaveProperty('waitsFor');
    await world.settle();
    expect(await look()).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe('v41');
    expect(await world.deployer.checkDrift?.(world.request)).toEqual({ kind: 'holds' });
  });

  test('can be squash-merged', async () => {
    const world = await gitWorld('pull-request');
    const { look } = await begin(world);
    await world.conclude('squash');
    await world.settle();
    expect(await look()).toMatchObject({ kind: 'succeeded' });
    expect(await world.deployer.checkDrift?.(world.request)).toEqual({ kind: 'holds' });
  });

  test('that is closed is a failure, and no other one is opened', async () => {
    const world = await gitWorld('pull-request');
    const { look } = await begin(world);
    await world.conclude('close');
    const closed = { kind: 'failed', detail: said('was closed without being merged') };
    expect(await look()).toEqual(closed);
    expect(await world.deployer.rollBack(world.request)).toEqual(closed);
  });

  test('is the same one for a repeated request', async () => {
    const world = await gitWorld('pull-request');
    const [first, second] = [await begin(world), await begin(world)];
    expect(second.answer).toMatchObject({ id: 'id' in first.answer ? first.answer.id : null });
  });
});

describe('a commit', () => {
  test('is found in the running deployment if the first response was lost', async () => {
    const world = await gitWorld('commit');
    await begin(world);
    await world.settle();
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.begun()).toBe(1);
  });

  test("reverts the application's folder and no other", async () => {
    const world = await gitWorld('commit');
    const theirs = await world.push('v42', 's2');
    const { answer } = await begin(world);
    const ours = ('id' in answer && answer.id) || '';
    expect(await world.entry(ours, PATH)).toBe(await world.entry(world.shas.v41, PATH));
    expect(await world.entry(ours, 'apps/search')).toBe(await world.entry(theirs, 'apps/search'));
    expect(await world.entry(ours, 'apps/search')).not.toBe(await world.entry(world.shas.v41, 'apps/search'));
  });

  test('followed by a later commit is synced with it', async () => {
    const world = await gitWorld('commit');
    const { look } = await begin(world);
    await world.push('v41.1');
    await world.settle();
    expect(await look()).toMatchObject({ kind: 'succeeded' });
  });

  test('whose sync fails is a failure', async () => {
    const world = await gitWorld('commit');
    const { look } = await begin(world);
    await world.settle('failing');
    expect(await look()).toEqual({ kind: 'failed', detail: said('one or more objects failed to apply') });
  });

  test('that is reverted has drifted', async () => {
    const world = await gitWorld('commit');
    await begin(world);
    await world.settle();
    expect(await world.deployer.checkDrift?.(world.request)).toEqual({ kind: 'holds' });
    await world.push('v42');
    await world.settle();
    expect(await world.deployer.checkDrift?.(world.request)).toMatchObject({ kind: 'drifted' });
  });
});

describe('the request to Git', () => {
  const SOURCE = { repoURL: `https://github.com/${REPOSITORY}`, path: PATH, targetRevision: 'main' };
  const SHA = 'c0ffee0000000000000000000000000000000001';

  /** A Git reverter that returns a fixed response and records the requests. */
  const fake = (answer: Awaited<ReturnType<GitReverter['revert']>> = { kind: 'committed', sha: SHA }) => {
    const asked: RevertRequest[] = [];
    const reverter: GitReverter = {
      async revert(request) {
        asked.push(request);
        return answer;
      },
      find: async () => null,
    };
    return { asked, reverter };
  };
  const open = async (git: object, application: object, reverter: GitReverter) =>
    argoWorld({
      config: { git: { repository: REPOSITORY, ...git } },
      application: { source: SOURCE, ...AUTOMATED, ...application },
      git: reverter,
    });

  test('reverts to the commit of the good deployment, in the folder that Argo CD reads, with a readable message', async () => {
    const { asked, reverter } = fake();
    const world = await open({}, {}, reverter);
    await world.deployer.rollBack(world.request);
    expect(asked).toEqual([
      {
        path: PATH,
        to: world.request.toCommit,
        key: world.request.key,
        title: 'Roll back checkout-api in production to v41',
        body: expect.stringMatching(
          /HighErrorBurnRate[^]*from v42 to v41[^]*apps\/checkout-api of octo-org\/deploy[^]*Incident 01JD/,
        ) as string,
      },
    ]);
    expect(world.deployer.effectClass).toBe('findable');
  });

  test.each<[string, object, object, string | null]>([
    ['the folder that is configured', { path: 'apps' }, {}, 'apps'],
    ['the whole tree, where Argo CD reads that', {}, { source: { ...SOURCE, path: './' } }, null],
    ['HEAD is the branch', {}, { source: { ...SOURCE, targetRevision: 'HEAD' } }, PATH],
  ])('%s', async (_, git, application, path) => {
    const { asked, reverter } = fake();
    const world = await open(git, application, reverter);
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress', id: SHA });
    expect(asked).toMatchObject([{ path }]);
  });

  test.each<[string, object, object, string]>([
    [
      'is pinned to a tag',
      {},
      { source: { ...SOURCE, targetRevision: 'v42' } },
      'it follows v42, and `git.branch` is main',
    ],
    ['follows another branch', { branch: 'release' }, {}, 'it follows main, and `git.branch` is release'],
    ['is a chart', {}, { source: { ...SOURCE, chart: 'shop' } }, 'shop is a chart'],
    ['has no folder', {}, { source: { repoURL: SOURCE.repoURL, targetRevision: 'main' } }, '`git.path`'],
    ['is hydrated', {}, { spec: { sourceHydrator: { drySource: {} } } }, 'hydrated'],
    [
      'was set otherwise then',
      {},
      {
        history: [
          {
            revision: '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b',
            source: { ...SOURCE, kustomize: { images: ['a:v41'] } },
          },
          { revision: '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1', source: SOURCE },
        ],
      },
      'not only in that repository',
    ],
  ])('is not made for an application that %s: refused', async (_, git, application, why) => {
    const { asked, reverter } = fake();
    const world = await open(git, application, reverter);
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: said(why) });
    expect(asked).toEqual([]);
  });

  test('is a failure with a hint if the commit changes nothing that Argo CD deploys', async () => {
    const before = exchange('argo-cd/app-get-automated').response;
    const current = JSON.parse(before.body) as { status: { sync: object } };
    const sync = { ...current.status.sync, status: 'Synced', revision: SHA };
    const after = { body: JSON.stringify({ ...current, status: { ...current.status, sync } }) };
    const { url } = await vendor(before, { body: '{"canSync":true}' }, before, before, after);
    const deployer = argoCdDeployer(
      DeployerConfig.parse({ kind: 'argo-cd', git: { repository: REPOSITORY } }) as ArgoCdDeployer,
      {
        url,
        serviceEnvironment: { service: 'checkout-api' as ServiceName, environment: 'production' as EnvironmentName },
        secrets: { get: async () => 'argocd-test-token' },
        clock: new SetClock('2026-11-20T07:00:00.000Z'),
        git: fake().reverter,
      },
    );
    const [v41, v42] = ['9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b', '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1'];
    const request = requestFor({ v41, v42 });
    const answer = await deployer.rollBack(request);
    const handle = ('handle' in answer && answer.handle) || '';
    // Argo CD doesn't know the commit yet, not even after a refresh.
    expect(await deployer.status(handle, request)).toMatchObject({ kind: 'in_progress', id: SHA });
    expect(await deployer.status(handle, request)).toEqual({ kind: 'failed', detail: said('`git.path`') });
  });

  test.each<[TargetResponse]>([
    [{ kind: 'refused', detail: 'no such commit' }],
    [{ kind: 'busy', detail: 'locked' }],
    [{ kind: 'later', detail: 'GitHub answered 502', afterSeconds: null }],
  ])("returns the reverter's result: %j", async (answer) => {
    const { reverter } = fake(answer as Awaited<ReturnType<GitReverter['revert']>>);
    const world = await open({}, {}, reverter);
    expect(await world.deployer.rollBack(world.request)).toEqual(answer);
  });

  test('is not made if another version has been deployed since', async () => {
    const { asked, reverter } = fake();
    const world = await open({}, {}, reverter);
    await world.ship();
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'superseded', current: V43 });
    expect(asked).toEqual([]);
  });
});
