import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStandIns, type StandIns } from '../../../../packages/sandbox/core/index.ts';
import { Firebreak } from '../../../support/firebreak.ts';
import { GithubSite } from './github-site.ts';

const serviceEnvironment = { service: 'checkout', environment: 'production' };
const REPOSITORY = 'acme/checkout';

let dir: string;
let standIns: StandIns;
let firebreak: Firebreak;
let github: GithubSite;

beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  dir = mkdtempSync(join(tmpdir(), 'firebreak-standins-'));
  standIns = await startStandIns({ dir });
  firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: { repository: REPOSITORY, environments: { production: {} } } },
    timeScale: 100, // searches every three seconds
    env: {
      GITHUB_API_URL: standIns.urls.github,
      GITHUB_APP_ID: '1',
      GITHUB_APP_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().replaceAll('\n', '\\n'),
    },
  });
  github = await GithubSite.at(standIns, firebreak);
  await github.settings({ protection: true, run_ms: 0 });
});
afterAll(async () => {
  await firebreak?.remove();
  await standIns?.close();
  rmSync(dir, { recursive: true, force: true });
});

test('deployments whose webhook never arrived are answered at once, or when the freeze ends', async () => {
  const free = await github.push(REPOSITORY, { 'version.txt': '1' });
  await github.run(REPOSITORY, free, 'completed');

  const { body: freeze } = await firebreak.post('/v1/freezes', { ...serviceEnvironment, reason: 'a sale' });
  const held = await github.push(REPOSITORY, { 'version.txt': '2' });
  const { id } = await github.run(REPOSITORY, held, 'waiting');
  await github.told(id, ({ body }) => body.state === undefined && body.comment.includes('a sale'));
  expect(await github.runs(REPOSITORY)).toMatchObject([{ status: 'waiting' }, { conclusion: 'success' }]);
  await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`);
  await github.run(REPOSITORY, held, 'completed');
});
