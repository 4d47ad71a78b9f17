import {
  GetParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  paginateGetParametersByPath,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Endpoint } from '../../../local/aws/endpoint.ts';
import { startSsm } from '../../../local/aws/ssm/server.ts';

const ACCESS_KEY = 'AKIATEST';
const many = Object.fromEntries(Array.from({ length: 23 }, (_, i) => [`/many/p${String(i).padStart(2, '0')}`, `${i}`]));
const parameters: Record<string, string> = {
  '/firebreak/dev/slack-bot-token': 'xoxb-1',
  '/firebreak/dev/pagerduty-routing-key': 'R0UT1NG',
  '/firebreak/dev/github/token': 'ghp_1',
  '/firebreak/development/other': 'not of dev',
  plain: 'without a path',
  ...many,
};

let endpoint: Endpoint;
let ssm: SSMClient;
beforeAll(async () => {
  endpoint = await startSsm({ parameters: () => parameters, accessKeyId: ACCESS_KEY });
  ssm = clientOf(ACCESS_KEY);
});
afterAll(async () => {
  ssm.destroy();
  await endpoint.close();
});

test('a parameter is a SecureString, and its value is read for each call', async () => {
  const Name = '/firebreak/dev/slack-bot-token';
  const get = () => ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
  const { Parameter } = await get();
  expect(Parameter).toMatchObject({
    Name,
    Type: 'SecureString',
    Value: 'xoxb-1',
    Version: 1,
    DataType: 'text',
    ARN: `arn:aws:ssm:eu-central-1:000000000000:parameter${Name}`,
  });
  expect(Parameter?.LastModifiedDate).toBeInstanceOf(Date);
  parameters[Name] = 'xoxb-2';
  expect((await get()).Parameter?.Value).toBe('xoxb-2');
});

test('without WithDecryption the value is not the secret', async () => {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: 'plain' }));
  expect(Parameter?.Value).toMatch(/^[A-Za-z0-9+/=]{44}$/);
});

test.each(['/firebreak/dev/missing', 'constructor', '__proto__', '/firebreak/dev'])('%s is not found', async (Name) => {
  await expect(ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))).rejects.toMatchObject({
    name: 'ParameterNotFound',
    $metadata: { httpStatusCode: 400 },
  });
});

test('several at once: returns the existing ones and the names of the missing ones', async () => {
  const command = new GetParametersCommand({ Names: ['plain', 'missing', '/many/p00'], WithDecryption: true });
  const { Parameters = [], InvalidParameters } = await ssm.send(command);
  expect(Parameters.map(({ Name, Value }) => [Name, Value])).toEqual([
    ['plain', 'without a path'],
    ['/many/p00', '0'],
  ]);
  expect(InvalidParameters).toEqual(['missing']);
  const eleven = new GetParametersCommand({ Names: Object.keys(many).slice(0, 11) });
  await expect(ssm.send(eleven)).rejects.toMatchObject({ name: 'ValidationException' });
});

test('by path: one level or all levels below it; a path is not a name prefix', async () => {
  const under = async (Path: string, Recursive: boolean) => {
    const command = new GetParametersByPathCommand({ Path, Recursive, WithDecryption: true });
    return (await ssm.send(command)).Parameters?.map(({ Name }) => Name);
  };
  const level = ['/firebreak/dev/pagerduty-routing-key', '/firebreak/dev/slack-bot-token'];
  expect(await under('/firebreak/dev', false)).toEqual(level);
  expect(await under('/firebreak/dev/', true)).toEqual(['/firebreak/dev/github/token', ...level]);
  expect(await under('/nothing', true)).toEqual([]);
  const noPath = new GetParametersByPathCommand({ Path: 'firebreak' });
  await expect(ssm.send(noPath)).rejects.toMatchObject({ name: 'ValidationException' });
});

test.each([1, 7, 10])('pages of %i together are complete', async (pageSize) => {
  const found: Record<string, string> = {};
  for await (const page of paginateGetParametersByPath(
    { client: ssm, pageSize },
    { Path: '/many', WithDecryption: true },
  )) {
    expect(page.Parameters?.length).toBeLessThanOrEqual(pageSize);
    for (const { Name = '', Value = '' } of page.Parameters ?? []) found[Name] = Value;
  }
  expect(found).toEqual(many);
});

test('a request signed with another access key is refused', async () => {
  const stranger = clientOf('AKIASTRANGER');
  await expect(stranger.send(new GetParameterCommand({ Name: 'plain' }))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
    $metadata: { httpStatusCode: 403 },
  });
  stranger.destroy();
});

test('unknown and unreadable requests are refused with the reason', async () => {
  const call = async (operation: string, body: string) => {
    const reply = await fetch(endpoint.url, {
      method: 'POST',
      headers: {
        'x-amz-target': `AmazonSSM.${operation}`,
        authorization: `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20261118/us-east-1/ssm/aws4_request, Signature=x`,
      },
      body,
    });
    return { status: reply.status, body: await reply.json() };
  };
  expect(await call('PutParameter', '{}')).toEqual({
    status: 400,
    body: { __type: 'UnknownOperationException', message: 'PutParameter is not emulated here.' },
  });
  expect(await call('GetParameter', '{')).toMatchObject({ status: 400, body: { __type: 'SerializationException' } });
  expect(await call('GetParameter', '{}')).toMatchObject({ status: 400, body: { __type: 'ValidationException' } });
});

function clientOf(accessKeyId: string): SSMClient {
  const credentials = { accessKeyId, secretAccessKey: 'x' };
  return new SSMClient({ endpoint: endpoint.url, region: 'eu-central-1', credentials, maxAttempts: 1 });
}
