import { SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ssmSecrets } from '../../aws/secrets.ts';
import type { Endpoint } from '../../local/aws/endpoint.ts';
import { startSsm } from '../../local/aws/ssm/server.ts';

const ACCESS_KEY = 'AKIATEST';
const parameters: Record<string, string> = {};
let now = 0;

let endpoint: Endpoint;
let ssm: SSMClient;
beforeAll(async () => {
  endpoint = await startSsm({ parameters: () => parameters, accessKeyId: ACCESS_KEY });
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: 'not-checked' };
  ssm = new SSMClient({ endpoint: endpoint.url, region: 'eu-central-1', credentials });
});
afterAll(async () => {
  ssm.destroy();
  await endpoint.close();
});

const secrets = () => ssmSecrets(ssm, '/firebreak/test', () => now);

test('a secret is the parameter of its name below the path, and of no other path', async () => {
  Object.assign(parameters, { '/firebreak/test/SLACK_BOT_TOKEN': 'xoxb-1', '/firebreak/other/GITHUB_TOKEN': 'ghp_1' });
  expect(await secrets().get('SLACK_BOT_TOKEN')).toBe('xoxb-1');
  expect(await secrets().get('GITHUB_TOKEN')).toBeUndefined();
});

test('more than one page of them is read', async () => {
  for (let i = 0; i < 25; i += 1) parameters[`/firebreak/test/CD_TOKEN_${i}`] = `token ${i}`;
  expect(await secrets().get('CD_TOKEN_24')).toBe('token 24');
});

test('one that is rotated is seen within a minute', async () => {
  const kept = secrets();
  parameters['/firebreak/test/ARGOCD_TOKEN'] = 'old';
  expect(await kept.get('ARGOCD_TOKEN')).toBe('old');
  parameters['/firebreak/test/ARGOCD_TOKEN'] = 'new';
  now += 60_000;
  expect(await kept.get('ARGOCD_TOKEN')).toBe('new');
});

test.each([
  [1, 30_000],
  [10, 3000],
  [1000, 1000],
])('in trials %i times as fast as life one that is new is seen after %i ms', async (timeScale, millis) => {
  const kept = ssmSecrets(ssm, '/firebreak/test', () => now, timeScale);
  const name = `NEW_AT_${timeScale}`;
  expect(await kept.get(name)).toBeUndefined();
  parameters[`/firebreak/test/${name}`] = 'new';
  now += millis - 1;
  expect(await kept.get(name)).toBeUndefined();
  now += 1;
  expect(await kept.get(name)).toBe('new');
});

test('two quotation marks stand for the empty value, which a parameter cannot have', async () => {
  parameters['/firebreak/test/GRAFANA_TIMESTAMP_HEADER'] = '""';
  expect(await secrets().get('GRAFANA_TIMESTAMP_HEADER')).toBe('');
});
