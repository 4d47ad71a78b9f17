import { describe, expect, test } from 'vitest';
import type { Deployer } from '../../../core/domain/rollback/targets.ts';
import { ecsDeployer } from '../../../vendors/aws/ecs.ts';
import { type Gate, openGate, rollback, said } from './gate.ts';
import { calls } from '../../../packages/sandbox/test/support.ts';
import { vendor } from '../server.ts';
import { conforms, type TargetWorld } from '../target-conformance.ts';

const deployerAt = (endpoint: string, more: { container?: string; cluster?: string } = {}): Deployer =>
  ecsDeployer(
    { kind: 'ecs', cluster: 'production', ...more },
    { access: { region: 'eu-central-1', roleArn: undefined, endpoint }, service: 'checkout' },
  );

const isChange = ({ operation }: { operation: string }): boolean => operation === 'UpdateService';

/** A little more than the duration of a rollout at the stand-in, in milliseconds. */
const ROLLOUT_MS = 2500;

type Shown = { items: { desired: number; deployments: { id: string; image: string; state: string }[] }[] };

const image = (tag: string): string => `registry.test:5000/team/checkout:${tag}`;

/** Creates a service that has run these images in order and now runs the last. */
async function world(
  tags: string[] = ['v40', 'v41', 'v42'],
  more: Record<string, unknown> = {},
): Promise<{ gate: Gate; deployer: Deployer; deployments(): Promise<Shown['items'][number]['deployments']> }> {
  const gate = await openGate(isChange);
  await gate.sandbox('PUT', '/ecs/services', {
    cluster: 'production',
    service: 'checkout',
    images: tags.map(image),
    ...more,
  });
  return {
    gate,
    deployer: deployerAt(gate.url),
    deployments: async () => (await gate.sandbox<Shown>('GET', '/ecs/services')).items[0]?.deployments ?? [],
  };
}

const ship = (gate: Gate, tag: string): Promise<unknown> =>
  gate.sandbox('POST', '/ecs/services/production/checkout/deploy', { image: image(tag) });

const breaks = (gate: Gate): Promise<unknown> => gate.sandbox('POST', '/ecs/services/production/checkout/fail');

describe('ECS conforms to the deployer contract', () => {
  conforms(async (): Promise<TargetWorld> => {
    const { gate, deployer, deployments } = await world();
    const ids = new Set((await deployments()).map(({ id }) => id));
    return {
      deployer,
      request: rollback(),
      trouble: gate.trouble,
      async settle(how) {
        if (how === 'failing') await breaks(gate);
        await gate.pass(ROLLOUT_MS);
      },
      running: async () => (await deployments())[0]?.image.split(':').at(-1) ?? '',
      begun: async () => {
        for (const { id, image: of } of await deployments()) if (of !== image('v43')) ids.add(id);
        return ids.size - 1;
      },
      async ship() {
        await ship(gate, 'v43');
        return 'v43';
      },
      drift: async () => void (await ship(gate, 'v43')),
    };
  });
});

describe('the target revision is', () => {
  test.each<[string, string[], Parameters<typeof rollback>[0], Record<string, unknown>, string]>([
    ['that of the tag of the image', ['v41', 'v42'], {}, {}, 'checkout:1'],
    ['the newest below the running one', ['v41', 'v41', 'v42'], {}, {}, 'checkout:2'],
    ['that of a shortened commit', ['main-1a2b3c4', 'main-5d6e7f8'], commits(), {}, 'checkout:1'],
    [
      'that of its digest',
      [`a@sha256:${'a'.repeat(64)}`, 'b'],
      { from: 'b', to: `sha256:${'a'.repeat(64)}` },
      {},
      'checkout:1',
    ],
    ['that of a tag', ['x', 'y'], {}, { tags: [{ Version: 'v41' }, { version: 'v42' }] }, 'checkout:1'],
    ['named', ['a', 'b', 'c'], { from: 'checkout:3', to: 'checkout:1' }, {}, 'checkout:1'],
    [
      'of its commit, not a newer one of its name',
      ['6.4', '6.4', '6.5'],
      branch(),
      shownIn(TO, THIRD, FROM),
      'checkout:1',
    ],
  ])('%s', async (_, tags, names, more, expected) => {
    const { gate, deployer } = await world(tags, more);
    expect(await deployer.rollBack(rollback(names))).toMatchObject({ kind: 'in_progress' });
    const [sent] = await updates(gate);
    expect(sent).toEqual({
      cluster: 'production',
      service: 'checkout',
      taskDefinition: `arn:aws:ecs:eu-central-1:123456789012:task-definition/${expected}`,
    });
  });

  test('not found by a revision number that equals an image tag', async () => {
    const { gate, deployer } = await world(['41', '42', '43']);
    // Revision 3 runs image 43, but `from` is an image tag here, not a revision number.
    expect(await deployer.rollBack(rollback({ from: '3', to: '2' }))).toEqual({ kind: 'superseded', current: '43' });
    expect(gate.changed()).toBe(0);
  });

  test('not chosen if the commit is unknown, and revisions of its name show different ones', async () => {
    const { gate, deployer } = await world(['6.4', '6.4', '6.5'], shownIn(TO, THIRD, FROM));
    const names = { ...branch(), toCommit: null };
    expect(await deployer.rollBack(rollback(names))).toEqual({ kind: 'refused', detail: said('several commits') });
    expect(gate.changed()).toBe(0);
  });

  test.each([
    ['6.4', shownIn(TO, FROM, THIRD)],
    ['6.4-3c4d5e6', {}],
  ])('is superseded and has drifted if %s of a third commit runs', async (tag, shown) => {
    const { deployer } = await world(['6.4', '6.4', tag], shown);
    const names = { ...commits(), from: '6.4', to: '6.4' };
    expect(await deployer.rollBack(rollback(names))).toEqual({ kind: 'superseded', current: tag });
    expect(await deployer.checkDrift?.(rollback(names))).toMatchObject({ kind: 'drifted' });
  });

  test('not chosen if it has the name of the running one, which shows no commit', async () => {
    const { gate, deployer } = await world(['6.4', '6.4']);
    const names = { ...commits(), from: '6.4', to: '6.4' };
    expect(await deployer.rollBack(rollback(names))).toEqual({ kind: 'refused', detail: said('the name 6.4') });
    expect(await deployer.checkDrift?.(rollback(names))).toMatchObject({ kind: 'unknown' });
    expect(gate.changed()).toBe(0);
  });

  test('found in the configured container only', async () => {
    const { gate } = await world();
    const deployer = deployerAt(gate.url, { container: 'sidecar' });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'refused', detail: said('no container sidecar') });
  });
});

const [FROM, TO] = ['5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80', '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d'];
const THIRD = '3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d1a2b';

function commits() {
  return { fromCommit: FROM, toCommit: TO };
}

function branch() {
  return { ...commits(), from: '6.5', to: '6.4' };
}

/** Returns the tags of the task definitions, which show these commits. */
function shownIn(...shown: string[]) {
  return { tags: shown.map((commit) => ({ commit })) };
}

async function updates(gate: Gate): Promise<unknown[]> {
  const made = await calls(gate.standIns, '?vendor=aws');
  return made.filter(({ headers }) => headers['x-amz-target']?.endsWith('.UpdateService')).map(({ body }) => body);
}

describe('a rollout', () => {
  test('of the bad version in progress is replaced', async () => {
    const { gate, deployer } = await world(['v40', 'v41']);
    await ship(gate, 'v42');
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress' });
    await gate.pass(ROLLOUT_MS);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'succeeded' });
  });

  test('that the circuit breaker rolls back is a failure, and is not repeated', async () => {
    const { gate, deployer } = await world(['v41', 'v42'], { breaker: 'rollback' });
    const answer = await deployer.rollBack(rollback());
    await breaks(gate);
    await gate.pass(ROLLOUT_MS);
    const handle = 'handle' in answer ? (answer.handle ?? '') : '';
    expect(await deployer.status(handle, rollback())).toMatchObject({
      kind: 'failed',
      detail: said('circuit breaker'),
    });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'failed', detail: said('3 tasks failed') });
    await gate.pass(ROLLOUT_MS); // ECS no longer returns the failed deployment
    expect(await deployer.status(handle, rollback())).toMatchObject({
      kind: 'failed',
      detail: said('v42 is running again'),
    });
    expect(gate.changed()).toBe(1);
  });

  test('without a circuit breaker stays in progress forever', async () => {
    const { gate, deployer } = await world(['v41', 'v42'], { breaker: 'off' });
    await deployer.rollBack(rollback());
    await breaks(gate);
    await gate.pass(3_600_000);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress' });
  });

  test('that another deployment replaces is superseded', async () => {
    const { gate, deployer } = await world();
    const answer = await deployer.rollBack(rollback());
    await ship(gate, 'v43');
    await gate.pass(ROLLOUT_MS);
    const handle = 'handle' in answer ? (answer.handle ?? '') : '';
    expect(await deployer.status(handle, rollback())).toEqual({ kind: 'superseded', current: 'v43' });
  });
});

describe('a rollback is refused for', () => {
  test.each([
    ['CodeDeploy deploys', { controller: 'CODE_DEPLOY' }, 'kind: codedeploy'],
    ['the service has an external deployment controller', { controller: 'EXTERNAL' }, 'external'],
    ['is deployed blue and green', { strategy: 'BLUE_GREEN' }, 'BLUE_GREEN'],
  ])('a service that %s', async (_, more, words) => {
    const { gate, deployer } = await world(undefined, more);
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'refused', detail: said(words) });
    expect(await deployer.restart?.(rollback())).toMatchObject({ kind: 'refused' });
    expect(gate.changed()).toBe(0);
  });

  test('a missing cluster or service', async () => {
    const { gate } = await world();
    const elsewhere = deployerAt(gate.url, { cluster: 'staging' });
    expect(await elsewhere.rollBack(rollback())).toMatchObject({ kind: 'refused', detail: said('Cluster not found') });
    const other = ecsDeployer(
      { kind: 'ecs', cluster: 'production', service: 'cart' },
      { access: { region: 'eu-central-1', roleArn: undefined, endpoint: gate.url }, service: 'checkout' },
    );
    expect(await other.rollBack(rollback())).toMatchObject({ kind: 'refused', detail: said('MISSING') });
  });

  test('but not for a server fault, which is retried at any status', async () => {
    await world();
    const { url } = await vendor({ status: 400, body: '{"__type":"ServerException","message":"the reason"}' });
    expect(await deployerAt(url).rollBack(rollback())).toMatchObject({ kind: 'later', detail: said('the reason') });
  });
});

describe('scaling', () => {
  const { key, reason, incident, service, environment } = rollback();
  const set = (deployer: Deployer, from: number, to: number) =>
    deployer.scaling?.set({ key, reason, incident, service, environment, from, to });

  test('sets the count, and is done when the tasks run', async () => {
    const { gate, deployer } = await world();
    expect(await deployer.scaling?.count()).toEqual({ kind: 'count', count: 2 });
    expect(await set(deployer, 2, 6)).toEqual({ kind: 'in_progress', id: null, handle: null });
    expect(await set(deployer, 2, 6)).toMatchObject({ kind: 'in_progress' });
    await gate.pass(ROLLOUT_MS);
    expect(await set(deployer, 2, 6)).toMatchObject({ kind: 'succeeded' });
    expect(gate.changed()).toBe(1);
  });

  test("doesn't change a count that has changed since", async () => {
    const { gate, deployer } = await world();
    expect(await set(deployer, 3, 6)).toEqual({ kind: 'superseded', current: '2' });
    expect(gate.changed()).toBe(0);
  });

  test('is refused for a daemon service', async () => {
    const { deployer } = await world(undefined, { scheduling: 'DAEMON' });
    expect(await deployer.scaling?.count()).toMatchObject({ kind: 'refused' });
    expect(await set(deployer, 2, 6)).toMatchObject({ kind: 'refused', detail: said('one task on each instance') });
  });

  test('recovers a lost response', async () => {
    const { gate, deployer } = await world();
    await gate.trouble('lost_answer');
    expect(await set(deployer, 2, 6)).toMatchObject({ kind: 'later' });
    await gate.pass(ROLLOUT_MS);
    expect(await set(deployer, 2, 6)).toMatchObject({ kind: 'succeeded' });
  });
});

describe('a restart', () => {
  test('replaces all tasks with the same version', async () => {
    const { gate, deployer, deployments } = await world();
    const answer = await deployer.restart?.(rollback());
    expect(answer).toMatchObject({ kind: 'in_progress', handle: said('ecs-svc/') });
    expect((await deployments()).map(({ image: of }) => of)).toEqual([image('v42'), image('v42')]);
    await gate.pass(ROLLOUT_MS);
    const handle = answer && 'handle' in answer ? (answer.handle ?? '') : '';
    expect(await deployer.restartStatus?.(handle, rollback())).toMatchObject({ kind: 'succeeded', id: handle });
  });

  test('with a lost response is found in progress and not repeated', async () => {
    const { gate, deployer } = await world();
    await gate.trouble('lost_answer');
    expect(await deployer.restart?.(rollback())).toMatchObject({ kind: 'later' });
    expect(await deployer.restart?.(rollback())).toMatchObject({ kind: 'in_progress' });
    expect(gate.changed()).toBe(1);
  });
});
