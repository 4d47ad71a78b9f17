import {
  BatchGetDeploymentsCommand,
  CodeDeployClient,
  CreateDeploymentCommand,
  GetDeploymentCommand,
  ListDeploymentsCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-codedeploy';
import {
  DeregisterTaskDefinitionCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  ListTaskDefinitionsCommand,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { calls, clock, folder, sandbox, setFault, start } from '../support.ts';

const settings = ({ urls }: Pick<StandIns, 'urls'>) => ({
  endpoint: urls.aws,
  region: 'eu-central-1',
  maxAttempts: 1,
  credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'test-secret-that-nobody-sees' },
});

const put = (standIns: StandIns, path: string, body: object): Promise<unknown> =>
  sandbox(standIns, 'PUT', `/aws${path}`, body);

describe('Lambda', () => {
  const checkout = { FunctionName: 'checkout', Name: 'live' };
  const twoVersions = {
    function: 'checkout',
    versions: [{ description: 'v1' }, { description: 'v2' }],
    alias: 'live',
  };

  test('publishes versions, and points an alias at one of them', async () => {
    const standIns = await start();
    await put(standIns, '/lambda/functions', twoVersions);
    const client = new LambdaClient(settings(standIns));
    const alias = await client.send(new GetAliasCommand(checkout));
    expect(alias).toMatchObject({
      FunctionVersion: '2',
      AliasArn: expect.stringContaining(':checkout:live') as string,
    });
    const { Version } = await client.send(new PublishVersionCommand({ FunctionName: 'checkout', Description: 'v3' }));
    expect(Version).toBe('3');
    const RoutingConfig = { AdditionalVersionWeights: { 3: 0.1 } };
    const canary = await client.send(new UpdateAliasCommand({ ...checkout, RoutingConfig }));
    expect(canary).toMatchObject({ FunctionVersion: '2', RoutingConfig });
    expect(canary.RevisionId).not.toBe(alias.RevisionId);
    const kept = await client.send(new UpdateAliasCommand({ ...checkout, FunctionVersion: '1' }));
    expect(kept).toMatchObject({ FunctionVersion: '1', RoutingConfig }); // unchanged unless the update contains it
    const none = { AdditionalVersionWeights: {} };
    const whole = await client.send(new UpdateAliasCommand({ ...checkout, RoutingConfig: none }));
    expect(whole.RoutingConfig).toBeUndefined();
  });

  test('refuses invalid requests with the documented error names', async () => {
    const standIns = await start();
    await put(standIns, '/lambda/functions', twoVersions);
    const client = new LambdaClient(settings(standIns));
    const update = (more: object) => client.send(new UpdateAliasCommand({ ...checkout, ...more }));
    await expect(update({ RevisionId: 'of-before' })).rejects.toMatchObject({ name: 'PreconditionFailedException' });
    await expect(update({ FunctionVersion: '9' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    const RoutingConfig = { AdditionalVersionWeights: { 1: 1.5 } };
    await expect(update({ RoutingConfig })).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
    await expect(update({ Name: 'other' })).rejects.toMatchObject({
      message: expect.stringContaining('Cannot find alias') as string,
    });
    await expect(client.send(new GetAliasCommand({ ...checkout, FunctionName: 'cart' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('lists fifty versions per page, $LATEST first', async () => {
    const standIns = await start();
    const versions = Array.from({ length: 70 }, (_, i) => ({ description: `v${i + 1}` }));
    await put(standIns, '/lambda/functions', { function: 'checkout', versions });
    const client = new LambdaClient(settings(standIns));
    const first = await client.send(new ListVersionsByFunctionCommand({ FunctionName: 'checkout', MaxItems: 1000 }));
    expect(first.Versions).toHaveLength(50);
    expect(first.Versions?.[0]).toMatchObject({ Version: '$LATEST' });
    const Marker = first.NextMarker;
    const rest = await client.send(new ListVersionsByFunctionCommand({ FunctionName: 'checkout', Marker }));
    expect(rest.Versions?.at(-1)).toMatchObject({ Version: '70', Description: 'v70' });
    expect(rest.NextMarker).toBeUndefined();
    const seventh = { FunctionName: 'arn:aws:lambda:eu-central-1:123456789012:function:checkout', Qualifier: '7' };
    expect(await client.send(new GetFunctionConfigurationCommand(seventh))).toMatchObject({ Description: 'v7' });
  });
});

describe('ECS', () => {
  const at = { cluster: 'production', service: 'checkout' };
  const world = async (more: object = {}) => {
    const time = clock();
    const standIns = await start({ now: time.now, timeScale: 2 });
    await put(standIns, '/ecs/services', { ...at, images: ['app:v1', 'app:v2'], ...more });
    const client = new ECSClient(settings(standIns));
    const deployments = async () => {
      const { services } = await client.send(
        new DescribeServicesCommand({ cluster: 'production', services: ['checkout'] }),
      );
      return services?.[0]?.deployments ?? [];
    };
    return { time, standIns, client, deployments };
  };

  test('rolls out a task definition over time, and does nothing if it is unchanged', async () => {
    const { time, client, deployments } = await world();
    await client.send(new UpdateServiceCommand({ ...at, taskDefinition: 'checkout:2' }));
    expect(await deployments()).toMatchObject([{ status: 'PRIMARY', rolloutState: 'COMPLETED' }]);
    await client.send(new UpdateServiceCommand({ ...at, taskDefinition: 'checkout:1' }));
    expect(await deployments()).toMatchObject([
      { status: 'PRIMARY', rolloutState: 'IN_PROGRESS', runningCount: 0 },
      { status: 'ACTIVE', rolloutState: 'COMPLETED', runningCount: 2 },
    ]);
    time.forward(999);
    expect((await deployments())[0]?.rolloutState).toBe('IN_PROGRESS');
    time.forward(1); // 2000 ms at twice the speed
    expect(await deployments()).toMatchObject([{ rolloutState: 'COMPLETED', runningCount: 2 }]);
  });

  test('rolls back to the last successful rollout if the circuit breaker opens', async () => {
    const { time, standIns, client, deployments } = await world({ breaker: 'rollback' });
    await client.send(new UpdateServiceCommand({ ...at, taskDefinition: 'checkout:1' }));
    await sandbox(standIns, 'POST', '/aws/ecs/services/production/checkout/fail');
    time.forward(1000);
    expect(await deployments()).toMatchObject([
      { rolloutState: 'IN_PROGRESS', rolloutStateReason: expect.stringContaining('rolling back') as string },
      { rolloutState: 'FAILED', failedTasks: 3 },
      { rolloutState: 'COMPLETED' },
    ]);
    time.forward(1000);
    expect(await deployments()).toMatchObject([
      { rolloutState: 'COMPLETED', taskDefinition: expect.stringMatching(/:2$/) as string },
    ]);
  });

  test('registers, lists, and deregisters task definitions', async () => {
    const { client } = await world();
    const containerDefinitions = [{ name: 'app', image: 'app:v3' }];
    const tags = [{ key: 'version', value: 'v3' }];
    await client.send(new RegisterTaskDefinitionCommand({ family: 'checkout', containerDefinitions, tags }));
    const described = { taskDefinition: 'checkout', include: ['TAGS' as const] };
    expect(await client.send(new DescribeTaskDefinitionCommand(described))).toMatchObject({
      taskDefinition: { revision: 3, status: 'ACTIVE' },
      tags,
    });
    await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'checkout:2' }));
    const query = { familyPrefix: 'checkout', sort: 'DESC' as const };
    const { taskDefinitionArns } = await client.send(new ListTaskDefinitionsCommand(query));
    expect(taskDefinitionArns?.map((arn) => arn.split('/')[1])).toEqual(['checkout:3', 'checkout:1']);
    const inactive = client.send(new UpdateServiceCommand({ ...at, taskDefinition: 'checkout:2' }));
    await expect(inactive).rejects.toMatchObject({ name: 'ClientException' });
  });

  test('refuses to update services that CodeDeploy controls', async () => {
    const { client } = await world({ controller: 'CODE_DEPLOY' });
    const update = client.send(new UpdateServiceCommand({ ...at, taskDefinition: 'checkout:1' }));
    await expect(update).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await client.send(new UpdateServiceCommand({ ...at, desiredCount: 4 }));
  });

  test('refuses unknown resources', async () => {
    const { client } = await world();
    const describeIn = (cluster: string) => client.send(new DescribeServicesCommand({ cluster, services: ['cart'] }));
    expect(await describeIn('production')).toMatchObject({ services: [], failures: [{ reason: 'MISSING' }] });
    await expect(describeIn('staging')).rejects.toMatchObject({ name: 'ClusterNotFoundException' });
  });
});

describe('CodeDeploy', () => {
  const group = { applicationName: 'checkout', deploymentGroupName: 'production' };
  const revision = (key: string) => ({
    revisionType: 'S3' as const,
    s3Location: { bucket: 'builds', key, bundleType: 'zip' as const },
  });
  const world = async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const deployments = [{ revision: revision('v1.zip') }];
    await put(standIns, '/codedeploy/groups', { application: 'checkout', group: 'production', deployments });
    return { time, standIns, client: new CodeDeployClient(settings(standIns)) };
  };

  test('deploys one revision at a time, and lists deployments newest first', async () => {
    const { time, client } = await world();
    const create = (key: string) => client.send(new CreateDeploymentCommand({ ...group, revision: revision(key) }));
    const { deploymentId = '' } = await create('v2.zip');
    await expect(create('v3.zip')).rejects.toMatchObject({ name: 'DeploymentLimitExceededException' });
    const status = async () => (await client.send(new GetDeploymentCommand({ deploymentId }))).deploymentInfo?.status;
    expect(await status()).toBe('InProgress');
    time.forward(2000);
    expect(await status()).toBe('Succeeded');
    const { deployments = [] } = await client.send(new ListDeploymentsCommand(group));
    expect(deployments[0]).toBe(deploymentId);
    const batch = await client.send(new BatchGetDeploymentsCommand({ deploymentIds: deployments }));
    expect(batch.deploymentsInfo?.map((one) => one.revision?.s3Location?.key)).toEqual(['v2.zip', 'v1.zip']);
  });

  test('rolls back if a deployment is stopped with automatic rollback', async () => {
    const { client } = await world();
    const { deploymentId = '' } = await client.send(
      new CreateDeploymentCommand({ ...group, revision: revision('v2.zip') }),
    );
    await client.send(new StopDeploymentCommand({ deploymentId, autoRollbackEnabled: true }));
    const { deploymentInfo } = await client.send(new GetDeploymentCommand({ deploymentId }));
    expect(deploymentInfo).toMatchObject({ status: 'Stopped', errorInformation: { code: 'MANUAL_STOP' } });
    const back = deploymentInfo?.rollbackInfo?.rollbackDeploymentId ?? '';
    expect((await client.send(new GetDeploymentCommand({ deploymentId: back }))).deploymentInfo).toMatchObject({
      creator: 'codeDeployRollback',
      revision: revision('v1.zip'),
      rollbackInfo: { rollbackTriggeringDeploymentId: deploymentId },
    });
    const again = client.send(new StopDeploymentCommand({ deploymentId }));
    await expect(again).rejects.toMatchObject({ name: 'DeploymentAlreadyCompletedException' });
  });

  test('refuses unknown resources', async () => {
    const { client } = await world();
    const list = (more: object) => client.send(new ListDeploymentsCommand({ ...group, ...more }));
    await expect(list({ applicationName: 'cart' })).rejects.toMatchObject({ name: 'ApplicationDoesNotExistException' });
    await expect(list({ deploymentGroupName: 'blue' })).rejects.toMatchObject({
      name: 'DeploymentGroupDoesNotExistException',
    });
  });
});

describe('all APIs', () => {
  const list = { FunctionName: 'checkout' };

  test('require a signature for the called API', async () => {
    const standIns = await start();
    const target = { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.DescribeServices' };
    const unsigned = await fetch(standIns.urls.aws, { method: 'POST', headers: target, body: '{}' });
    expect(unsigned.status).toBe(403);
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKID/20261120/eu-central-1/lambda/aws4_request, SignedHeaders=host, Signature=0';
    const mistaken = await fetch(standIns.urls.aws, {
      method: 'POST',
      headers: { ...target, authorization },
      body: '{}',
    });
    expect(await mistaken.json()).toMatchObject({ __type: 'InvalidSignatureException' });
  });

  test('throttle as AWS does, and show no credentials', async () => {
    const standIns = await start();
    await setFault(standIns, { vendor: 'aws', fault: { kind: 'rate_limit' } });
    const lambda = new LambdaClient(settings(standIns)).send(new ListVersionsByFunctionCommand(list));
    await expect(lambda).rejects.toMatchObject({ name: 'ThrottlingException' });
    const ecs = new ECSClient(settings(standIns)).send(new ListTaskDefinitionsCommand({}));
    await expect(ecs).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(JSON.stringify(await calls(standIns))).not.toMatch(/AKIDTEST|test-secret/);
  });

  test('record the assumed role of calls', async () => {
    const standIns = await start({ now: () => Date.now() });
    const { credentials: masterCredentials, ...place } = settings(standIns);
    const credentials = fromTemporaryCredentials({
      masterCredentials,
      params: { RoleArn: 'arn:aws:iam::210987654321:role/Rollback' },
      clientConfig: place,
    });
    expect(await credentials()).toMatchObject({
      accessKeyId: 'ASIARollback',
      sessionToken: 'sandbox-session-Rollback',
    });
    const nobody = fromTemporaryCredentials({
      masterCredentials,
      params: { RoleArn: 'Rollback' },
      clientConfig: place,
    });
    await expect(nobody()).rejects.toMatchObject({ name: 'ValidationError' });
  });

  test('keep their state after a restart', async () => {
    const dir = folder();
    const before = await start({ dir });
    await put(before, '/lambda/functions', { function: 'checkout', versions: [{ description: 'v1' }] });
    await put(before, '/settings', { rollout_ms: 5 });
    await before.close();
    const after = await start({ dir });
    const { Versions } = await new LambdaClient(settings(after)).send(new ListVersionsByFunctionCommand(list));
    expect(Versions?.at(-1)).toMatchObject({ Description: 'v1' });
    expect(await sandbox(after, 'GET', '/aws/settings')).toMatchObject({ rollout_ms: 5 });
    const { views } = await sandbox<{ views: { aws: object } }>(after, 'GET', '/state');
    expect(views.aws).toMatchObject({ functions: [{ function: 'checkout' }], services: [], deployments: [] });
  });
});
