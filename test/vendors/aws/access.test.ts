import { LambdaClient, ListAliasesCommand } from '@aws-sdk/client-lambda';
import { expect, onTestFinished, test, vi } from 'vitest';
import { deployerFor } from '../../../vendors/rollback-targets.ts';
import { type AwsAccess, clientSettings, cachedByAccess, accountAndRegionOf } from '../../../vendors/aws/access.ts';
import { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { openGate, rollback } from './gate.ts';
import { standInsAt } from '../../../core/domain/catalogue/vendors.ts';

const access = (more: Partial<AwsAccess> = {}): AwsAccess => ({
  region: 'eu-central-1',
  roleArn: undefined,
  endpoint: undefined,
  ...more,
});

/** Returns the host of a call without making it. */
async function hostOf(of: AwsAccess): Promise<string> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test-secret');
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
  vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', 'http://127.0.0.1:2');
  onTestFinished(() => void vi.unstubAllEnvs());
  const client = new LambdaClient(clientSettings(of));
  let host = '';
  client.middlewareStack.add(
    () => async (args) => {
      host = (args.request as { hostname: string }).hostname;
      throw new Error('far enough');
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await expect(client.send(new ListAliasesCommand({ FunctionName: 'checkout' }))).rejects.toThrow('far enough');
  return host;
}

test("without a configured endpoint, calls go to AWS even if Firebreak's own services are emulated", async () => {
  expect(await hostOf(access())).toBe('lambda.eu-central-1.amazonaws.com');
  expect(await hostOf(access({ endpoint: 'http://targets.test:4566' }))).toBe('targets.test');
});

test("clients don't retry", async () => {
  expect(await new LambdaClient(clientSettings(access())).config.maxAttempts()).toBe(1);
});

test('a client is reused for the same location and role only', () => {
  const clients = cachedByAccess((settings) => ({ settings }));
  const first = clients(access());
  expect(clients(access())).toBe(first);
  const role = 'arn:aws:iam::210987654321:role/Rollback';
  for (const other of [{ region: 'eu-west-1' }, { roleArn: role }, { endpoint: 'http://targets.test' }])
    expect(clients(access(other))).not.toBe(first);
});

test('the owner of a target comes from its ARN, otherwise from the role', () => {
  const roleArn = 'arn:aws:iam::210987654321:role/Rollback';
  expect(accountAndRegionOf(access())).toEqual(['own', 'eu-central-1']);
  expect(accountAndRegionOf(access({ roleArn }), 'checkout')).toEqual(['210987654321', 'eu-central-1']);
  expect(accountAndRegionOf(access({ roleArn }), 'arn:aws:ecs:eu-west-1:123456789012:cluster/a')[0]).toBe(
    '123456789012',
  );
  expect(accountAndRegionOf(access({ region: undefined }))).toEqual(['own', 'own']);
});

test.each([
  [{ kind: 'lambda-alias', function: 'checkout', alias: 'live' }, 'convergent', 'Lambda checkout:live'],
  [{ kind: 'ecs', cluster: 'production' }, 'convergent', 'ECS production/checkout'],
  [{ kind: 'codedeploy', application: 'a', deploymentGroup: 'g' }, 'findable', 'CodeDeploy a/g'],
])('%o is created, and calls the stand-in if configured', async (config, effectClass, target) => {
  const gate = await openGate(() => false);
  const deployer = await deployerFor(DeployerConfig.parse({ ...config, region: 'eu-central-1' }), {
    serviceEnvironment: { service: 'checkout', environment: 'production' } as ServiceEnvironment,
    secrets: { get: async (name) => (name === 'AWS_TARGETS_URL' ? gate.url : undefined) },
    clock: new SetClock('2026-11-20T12:00:00.000Z'),
    standIns: standInsAt([gate.url]),
    config: { current: () => Promise.reject(new Error('not needed')) } as never,
    rollbackGates: {} as never,
    github: {} as never,
  });
  expect(deployer).toMatchObject({ effectClass, target });
  expect(await deployer?.rollBack(rollback())).toMatchObject({
    kind: 'refused',
    detail: expect.stringMatching(/not found|Cannot find|No application/) as string,
  });
});
