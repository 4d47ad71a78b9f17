import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, Firebreak } from '../support/firebreak.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = await readFile(join(ROOT, 'docs/start/gitops-rollback.md'), 'utf8');

/** Returns the shell commands of a step of the tutorial. */
function commandsOf(step: number): string[] {
  const [, section = ''] = new RegExp(`^## ${step}\\. [^]*?\n([^]*?)^## `, 'm').exec(PAGE) ?? [];
  return [...section.matchAll(/^```sh\n([^]*?)^```/gm)].map(({ 1: commands = '' }) => commands);
}

let firebreak: Firebreak;
let bin: string;

beforeAll(async () => {
  const [start = ''] = commandsOf(1);
  const catalogue = /<<'EOF'\n([^]*?)^EOF$/m.exec(start)?.[1] ?? '';
  firebreak = await Firebreak.start({ configFiles: { 'services.yaml': catalogue }, timeScale: 60 });
  bin = await mkdtemp(join(tmpdir(), 'firebreak-bin-'));
  await symlink(join(ROOT, 'entrances/cli/bin.mjs'), join(bin, 'firebreak'));
});
afterAll(async () => {
  await firebreak?.remove();
  await rm(bin, { recursive: true });
});

/** Runs commands of the tutorial, with the address and the data folder of this Firebreak. */
async function sh(...commands: string[]): Promise<string> {
  const script = commands
    .join('')
    .replaceAll('http://127.0.0.1:8080', firebreak.url)
    .replaceAll('~/firebreak-gitops/data', firebreak.dataDir);
  const env = {
    PATH: [bin, dirname(process.execPath), process.env['PATH']].join(':'),
    HOME: bin,
    FIREBREAK_DATA_DIR: firebreak.dataDir,
    FIREBREAK_URL: firebreak.url,
    FIREBREAK_TOKEN: ADMIN_TOKEN,
  };
  return (await promisify(execFile)('bash', ['-ec', script], { cwd: ROOT, env })).stdout;
}

test('in the tutorial about GitOps, neither Argo CD nor Image Updater undoes the rollback', async () => {
  const [create = '', record = ''] = commandsOf(2);
  const [alert = '', show = ''] = commandsOf(3);
  const [find = '', findFixed = ''] = commandsOf(4);
  const variables = create.slice(0, create.indexOf('curl'));
  expect(await sh(create, record, alert)).toContain('1 alert accepted');

  const held = 'Argo CD Image Updater does not deploy v42 while it is pinned (registry.example.com/checkout)';
  await expect.poll(() => sh(show).catch(String)).toContain(held);
  await expect.poll(() => sh(show)).toContain('Rolled checkout in production back from v42 to v41.');

  const running = '"images":["registry.example.com/checkout:v41"],"set_images":';
  expect(await sh(variables, find)).toContain(`${running}[]`);
  expect(await sh(variables, findFixed)).toContain(`${running}["registry.example.com/checkout:v43"]`);
  expect(await sh('firebreak pins list')).toContain('v42');
});
