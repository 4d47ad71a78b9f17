import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../packages/demo/free-port.ts';
import { containerfile, environmentOf, restOf, ROOT } from '../deploy/containerfile.ts';
import { bareEnvironment } from '../support/firebreak.ts';

/*
 * The commands of docs/start/shadow-your-alerts.md that lead to the first shadowed alert. Those of the image run here with its
 * environment: scripts/check-image.ts runs them in the image.
 */

const COMMANDS = 3;

const text = (file: string) => readFile(join(ROOT, file), 'utf8');

/** Returns the first blocks of a section, each as its lines. */
async function blocksOf(file: string, heading: string): Promise<string[][]> {
  const [, section = ''] = (await text(file)).split(`\n## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^```\w+\n([^]*?)\n```$/gm)].map(([, block = '']) => block.split('\n'));
}

const ofPage = () => blocksOf('docs/start/shadow-your-alerts.md', 'The first shadowed alert: three commands');

test('a clone, the image, and the chart need three commands each', async () => {
  const [fromClone, fromImage] = await ofPage();
  const [fromChart] = await blocksOf('docs/how-to/kubernetes-install.md', 'From the chart to the first shadowed alert');
  for (const block of [fromClone, fromImage, fromChart]) {
    expect(block).toHaveLength(COMMANDS);
    expect(block?.join('\n')).not.toMatch(/&&|;|\\$/m); // one command a line
  }
  const rows = (await text('docs/start/shadow-your-alerts.md')).match(/^\| .* \| 3 \| .*$/gm);
  expect(rows).toHaveLength(3);
});

describe('the three commands lead to the first shadowed alert', () => {
  let folder: string;
  let product: ChildProcess | undefined;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'firebreak-first-'))));
  afterEach(async () => {
    if (product?.pid !== undefined && product.exitCode === null) {
      process.kill(-product.pid, 'SIGINT');
      await once(product, 'exit');
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  /** Starts the product by a command, and resolves when it is ready. */
  async function start(command: string, env: Record<string, string>): Promise<void> {
    const child = spawn('bash', ['-c', command], { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    product = child;
    child.stderr.resume();
    await new Promise<void>((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        if (output.includes('firebreak ready on')) resolve();
      });
      child.once('exit', () => reject(new Error(output)));
    });
  }

  /** Runs the other commands, and expects what the page shows. */
  async function follow([send = '', show = '']: string[], shown: string[], env: Record<string, string>): Promise<void> {
    const run = async (command: string) =>
      (await promisify(execFile)('bash', ['-c', command], { cwd: ROOT, env })).stdout.split('\n');
    expect((await run(send)).join('\n')).toContain('1 alert accepted');
    const lines = shown.filter((line) => line !== '…');
    expect(lines.length).toBeGreaterThan(2);
    await expect.poll(() => run(show).catch(() => [])).toEqual(expect.arrayContaining(lines));
  }

  test('from a clone', async () => {
    const [[first = '', ...others] = [], , shown = []] = await ofPage();
    const port = String(await freePort());
    const env = { ...bareEnvironment(), PORT: port, FIREBREAK_DATA_DIR: join(folder, 'clone') };
    await start(first, env);
    await follow(others, shown, env);
  });

  test('from the image', async () => {
    const [, [first = '', ...others] = [], shown = []] = await ofPage();
    const image = await containerfile();
    const workdir = restOf(image, 'WORKDIR').at(-1);
    const [, config = '', inside] = /--volume "\$PWD\/(\S+):(\S+):ro"/.exec(first) ?? [];
    expect(inside).toBe(`${workdir}/config`); // the default of FIREBREAK_CONFIG_DIR
    const env = {
      ...bareEnvironment(),
      ...environmentOf(image),
      HOST: '127.0.0.1',
      PORT: String(await freePort()),
      FIREBREAK_CONFIG_DIR: join(ROOT, config),
      FIREBREAK_DATA_DIR: join(folder, 'image'),
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
    };
    await start('node dist/main.mjs', env);
    const beside = others.map((command) => command.replace(/^docker exec (-i )?firebreak /, 'dist/'));
    await follow(beside, shown, env);
  });
});
