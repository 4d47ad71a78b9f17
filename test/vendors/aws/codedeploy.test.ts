import { createHash } from 'node:crypto';
import { CodeDeployClient, StopDeploymentCommand } from '@aws-sdk/client-codedeploy';
import { describe, expect, test } from 'vitest';
import type { TargetResponse, Deployer } from '../../../core/domain/rollback/targets.ts';
import { codeDeployDeployer } from '../../../vendors/aws/codedeploy.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { calls } from '../../../packages/sandbox/test/support.ts';
import { type Gate, openGate, rollback, said } from './gate.ts';
import { vendor } from '../server.ts';
import { conforms, type TargetWorld } from '../target-conformance.ts';

type Deployment = { id: string; revision: object; description: string | null; creator: string; status: string };
type New = { revision: object; description?: string; creator?: string };

/** A little more than the duration of a deployment at the stand-in, in milliseconds. */
const DEPLOYMENT_MS = 2500;

const isChange = ({ operation }: { operation: string }): boolean => /^(?:Create|Stop)Deployment$/.test(operation);

const bundle = (version: string): { revision: object } => ({
  revision: { revisionType: 'S3', s3Location: { bucket: 'builds', key: `checkout/${version}.zip`, bundleType: 'zip' } },
});

const commit = (commitId: string): { revision: object } => ({
  revision: { revisionType: 'GitHub', gitHubLocation: { repository: 'acme/checkout', commitId } },
});

const appSpec = (document: object): { revision: { revisionType: string; appSpecContent: { content: string } } } => ({
  revision: { revisionType: 'AppSpecContent', appSpecContent: { content: JSON.stringify(document) } },
});

const task = (revision: number): New =>
  appSpec({
    version: 0.0,
    Resources: [
      {
        TargetService: {
          Type: 'AWS::ECS::Service',
          Properties: {
            TaskDefinition: `arn:aws:ecs:eu-central-1:123456789012:task-definition/checkout:${revision}`,
            LoadBalancerInfo: { ContainerName: 'app', ContainerPort: 8080 },
          },
        },
      },
    ],
  });

const lambda = (current: string, target: string): ReturnType<typeof appSpec> =>
  appSpec({
    version: 0.0,
    Resources: [
      {
        checkout: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: 'checkout', Alias: 'live', CurrentVersion: current, TargetVersion: target },
        },
      },
    ],
    Hooks: [{ BeforeAllowTraffic: 'check' }],
  });

/** Creates a deployment group with these deployments, in order. */
async function world(deployments: New[] = ['v40', 'v41', 'v42'].map(bundle), more: Record<string, unknown> = {}) {
  const gate = await openGate(isChange);
  const group = { application: 'checkout', group: 'production' };
  await gate.sandbox('PUT', '/codedeploy/groups', { ...group, deployments, ...more });
  const shown = async () => (await gate.sandbox<{ items: Deployment[] }>('GET', '/codedeploy/deployments')).items;
  return {
    gate,
    deployer: deployerAt(gate.url, gate),
    shown,
    deploy: (deployment: New) =>
      gate.sandbox<{ id: string }>('POST', '/codedeploy/groups/checkout/production/deploy', deployment),
    breaks: () => gate.sandbox('POST', '/codedeploy/groups/checkout/production/fail'),
  };
}

const deployerAt = (endpoint: string, gate: Gate): Deployer =>
  codeDeployDeployer(
    { kind: 'codedeploy', application: 'checkout', deploymentGroup: 'production' },
    {
      access: { region: 'eu-central-1', roleArn: undefined, endpoint },
      clock: { now: () => timestamp(gate.now()) },
    },
  );

/** Returns the bodies of the CreateDeployment calls. */
async function created(gate: Gate): Promise<{ revision: object; description: string }[]> {
  const made = await calls(gate.standIns, '?vendor=aws');
  return made
    .filter(({ headers }) => headers['x-amz-target']?.endsWith('.CreateDeployment'))
    .map(({ body }) => body as { revision: object; description: string });
}

/** Stops a deployment without a rollback, as a person would. */
const stop = (gate: Gate, id: string): Promise<unknown> =>
  new CodeDeployClient({ region: 'eu-central-1', endpoint: gate.standIns.urls.aws }).send(
    new StopDeploymentCommand({ deploymentId: id, autoRollbackEnabled: false }),
  );

const handleOf = (answer: TargetResponse): string => ('handle' in answer ? (answer.handle ?? '') : '');

describe('CodeDeploy conforms to the deployer contract', () => {
  conforms(async (): Promise<TargetWorld> => {
    const { gate, deployer, shown, deploy, breaks } = await world();
    const ship = async () => {
      await deploy(bundle('v43'));
      await gate.pass(DEPLOYMENT_MS);
      return 'checkout/v43';
    };
    return {
      deployer,
      request: rollback(),
      trouble: gate.trouble,
      async settle(how) {
        if (how === 'failing') await breaks();
        await gate.pass(DEPLOYMENT_MS);
      },
      async running() {
        const live = (await shown()).find(({ status }) => status === 'Succeeded');
        return /v\d+/.exec(JSON.stringify(live?.revision))?.[0] ?? '';
      },
      begun: async () => (await shown()).filter(({ description }) => description?.startsWith('[firebreak ')).length,
      ship,
      occupy: async () => void (await deploy(bundle('v43'))),
      drift: async () => void (await ship()),
    };
  });
});

describe('the target deployment', () => {
  const good = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d';
  const bad = '5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80';
  const anonymous = (eTag: string): New => ({
    revision: { revisionType: 'S3', s3Location: { bucket: 'builds', key: 'latest.zip', bundleType: 'zip', eTag } },
  });

  test.each<[string, New[], Parameters<typeof rollback>[0]]>([
    ['that of the key of a bundle', [bundle('v41'), bundle('v42')], {}],
    ['that of a commit at GitHub', [commit(good), commit(bad)], { fromCommit: bad, toCommit: good }],
    ['that of a version that is a commit', [commit(good), commit(bad)], { from: bad, to: good.slice(0, 12) }],
    ['that of an ETag', [anonymous('"e1"'), anonymous('"e2"')], { from: 'e2', to: 'e1' }],
    [
      'that of its description',
      [
        { ...anonymous('"e1"'), description: 'checkout v41' },
        { ...anonymous('"e2"'), description: 'checkout v42' },
      ],
      {},
    ],
    ['that of a task definition', [task(7), task(8)], { from: 'checkout:8', to: 'checkout:7' }],
  ])('%s', async (_, deployments, names) => {
    const { gate, deployer } = await world(deployments);
    expect(await deployer.rollBack(rollback(names))).toMatchObject({ kind: 'in_progress' });
    const [asked] = await created(gate);
    expect(asked?.revision).toEqual(deployments[0]?.revision);
    expect(asked?.description).toContain(rollback().key);
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback(names))).toMatchObject({ kind: 'succeeded' });
    expect(await deployer.checkDrift?.(rollback(names))).toEqual({ kind: 'holds' });
  });

  test('is not a failed one', async () => {
    const { gate, deployer, deploy, breaks } = await world([]);
    for (const version of ['v41', 'v42']) {
      await deploy(bundle(version));
      if (version === 'v41') await breaks();
      await gate.pass(DEPLOYMENT_MS);
    }
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'refused', detail: said('v41') });
  });

  test('is found behind many deployments by auto scaling', async () => {
    const scaled = Array.from({ length: 60 }, () => ({ ...bundle('v42'), creator: 'autoscaling' }));
    const { deployer } = await world([bundle('v41'), bundle('v42'), ...scaled]);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress' });
  });

  test('is identified by a Firebreak description, but not by its reason', async () => {
    const { gate, deployer } = await world([
      { ...anonymous('"e1"'), description: 'v41' },
      { ...anonymous('"e2"'), description: 'v42' },
    ]);
    const reason = `errors since v42; ${'x'.repeat(480)}`;
    await deployer.rollBack({ ...rollback(), reason });
    await gate.pass(DEPLOYMENT_MS);
    const next = rollback({ key: '01JCYZ7Q8M3N5P7R9T1V3X5Z7C.roll-back.1' });
    expect(await deployer.rollBack(next)).toMatchObject({ kind: 'succeeded' });
  });
});

describe('a Lambda AppSpec', () => {
  test('gets the current version of the alias', async () => {
    const first = lambda('40', '41');
    const { gate, deployer } = await world([first, lambda('41', '42')], { platform: 'Lambda' });
    expect(await deployer.rollBack(rollback({ from: '42', to: '41' }))).toMatchObject({ kind: 'in_progress' });
    const [asked] = await created(gate);
    const content = lambda('42', '41').revision.appSpecContent.content;
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(asked?.revision).toEqual({ revisionType: 'AppSpecContent', appSpecContent: { content, sha256 } });
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback({ from: '42', to: '41' }))).toMatchObject({ kind: 'succeeded' });
  });

  test('can be YAML', async () => {
    const yaml = (current: number, target: number) => ({
      revision: {
        revisionType: 'AppSpecContent',
        appSpecContent: {
          content: [
            'version: 0.0',
            'resources:',
            '  - checkout:',
            '      type: "AWS::Lambda::Function"',
            `      properties: { name: checkout, alias: live, currentversion: ${current}, targetversion: ${target} }`,
          ].join('\n'),
        },
      },
    });
    const { gate, deployer } = await world([yaml(40, 41), yaml(41, 42)], { platform: 'Lambda' });
    expect(await deployer.rollBack(rollback({ from: '42', to: '41' }))).toMatchObject({ kind: 'in_progress' });
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback({ from: '42', to: '41' }))).toMatchObject({ kind: 'succeeded' });
  });

  test('is refused if the current version of the alias is unknown', async () => {
    const { gate, deployer, deploy, breaks } = await world([lambda('40', '41')], { platform: 'Lambda' });
    await deploy(lambda('41', '42'));
    await breaks();
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback({ from: '42', to: '41' }))).toEqual({
      kind: 'refused',
      detail: said('halfway'),
    });
    expect(gate.changed()).toBe(0);
  });
});

describe('while the bad version is being deployed', () => {
  test('the deployment is stopped, and CodeDeploy rolls back', async () => {
    const { gate, deployer, shown, deploy } = await world(['v40', 'v41'].map(bundle));
    await deploy(bundle('v42'));
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress', handle: null });
    const second = await deployer.rollBack(rollback());
    expect(second).toMatchObject({ kind: 'in_progress', handle: said('d-') });
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.status(handleOf(second), rollback())).toMatchObject({ kind: 'succeeded' });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'succeeded' });
    expect((await shown())[0]).toMatchObject({ ...bundle('v41'), creator: 'codeDeployRollback', status: 'Succeeded' });
    expect(gate.changed()).toBe(1);
  });

  test('a lost response is recovered', async () => {
    const { gate, deployer, deploy } = await world(['v40', 'v41'].map(bundle));
    await deploy(bundle('v42'));
    await gate.trouble('lost_answer');
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'later' });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress', handle: said('d-') });
    expect(gate.changed()).toBe(1);
  });

  test('the rollback waits if CodeDeploy would roll back to another version', async () => {
    const { gate, deployer, deploy } = await world(['v41', 'v40'].map(bundle));
    await deploy(bundle('v42'));
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'busy', detail: said('rather than to v41') });
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress', handle: said('d-') });
  });

  test("a failure of CodeDeploy's rollback is reported", async () => {
    const { gate, deployer, deploy, breaks } = await world(['v40', 'v41'].map(bundle));
    await deploy(bundle('v42'));
    await deployer.rollBack(rollback());
    await breaks();
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'failed', detail: said('HEALTH_CONSTRAINTS') });
  });
});

describe('a deployment', () => {
  test('of the bad version that failed halfway is rolled back', async () => {
    const { gate, deployer, deploy, breaks } = await world(['v40', 'v41'].map(bundle));
    await deploy(bundle('v42'));
    await breaks();
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress', handle: said('d-') });
    expect(await created(gate)).toMatchObject([bundle('v41')]);
  });

  test('that CodeDeploy rolls back itself is not rolled back twice', async () => {
    const { gate, deployer, deploy, breaks } = await world(['v40', 'v41'].map(bundle), { auto_rollback: true });
    await deploy(bundle('v42'));
    await breaks();
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress', handle: said('d-') });
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'succeeded' });
    expect(gate.changed()).toBe(0);
  });

  test('by Firebreak that fails is not repeated, even if CodeDeploy has rolled back to the bad version', async () => {
    const { gate, deployer, breaks } = await world(undefined, { auto_rollback: true });
    const answer = await deployer.rollBack(rollback());
    await breaks();
    await gate.pass(DEPLOYMENT_MS);
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.status(handleOf(answer), rollback())).toEqual({
      kind: 'failed',
      detail: said('rolled back with d-'),
    });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'failed' });
    expect(gate.changed()).toBe(1);
  });

  test('by Firebreak is superseded by a later deployment', async () => {
    const { gate, deployer, deploy } = await world();
    const answer = await deployer.rollBack(rollback());
    await gate.pass(DEPLOYMENT_MS);
    await deploy(bundle('v43'));
    await gate.pass(DEPLOYMENT_MS);
    expect(await deployer.status(handleOf(answer), rollback())).toMatchObject({ kind: 'succeeded' });
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'superseded', current: 'checkout/v43' });
  });

  test('by Firebreak that a person stops is a failure', async () => {
    const { gate, deployer } = await world();
    const answer = await deployer.rollBack(rollback());
    await stop(gate, handleOf(answer));
    const failed = { kind: 'failed', detail: said('was stopped: MANUAL_STOP') };
    expect(await deployer.status(handleOf(answer), rollback())).toEqual(failed);
    expect(await deployer.rollBack(rollback())).toEqual(failed);
    expect(await deployer.checkDrift?.(rollback())).toMatchObject({ kind: 'drifted' });
  });

  test('of the bad version that was just stopped may still be rolled back by CodeDeploy', async () => {
    const { gate, deployer, deploy } = await world(['v40', 'v41'].map(bundle));
    const { id } = await deploy(bundle('v42'));
    await stop(gate, id);
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'in_progress', id, handle: null });
    await gate.pass(30_000);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'in_progress', handle: said('d-') });
    expect(await created(gate)).toMatchObject([bundle('v41')]);
  });

  test('by another client at the same time is waited for', async () => {
    const { gate, deployer } = await world();
    await gate.trouble({
      kind: 'status',
      status: 400,
      body: { __type: 'DeploymentLimitExceededException', message: 'already has an active Deployment' },
    });
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind: 'busy', detail: said('active Deployment') });
  });
});

describe('the response of AWS', () => {
  test.each([
    ['no such group', 'DeploymentGroupDoesNotExistException', 'refused'],
    ['no permission', 'AccessDeniedException', 'refused'],
    ['too many calls', 'ThrottlingException', 'later'],
  ])('%s', async (_, type, kind) => {
    const { gate } = await world();
    const { url } = await vendor({ status: 400, body: JSON.stringify({ __type: type, message: 'the reason' }) });
    const deployer = deployerAt(url, gate);
    expect(await deployer.rollBack(rollback())).toMatchObject({ kind, detail: said('the reason') });
    expect(await deployer.status('d-000000001', rollback())).toMatchObject({ kind });
    expect(await deployer.checkDrift?.(rollback())).toMatchObject({ kind: 'unknown', detail: said('the reason') });
  });

  test('without any deployment is refused', async () => {
    const { deployer } = await world([]);
    expect(await deployer.rollBack(rollback())).toEqual({ kind: 'refused', detail: said('nothing was ever deployed') });
  });
});
