import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage, Stuck } from '../../demo/stage.ts';
import { badDeploy } from '../../demo/stories/bad-deploy.ts';
import { stories } from '../../demo/stories/index.ts';
import type { Fact } from '../../demo/stories/plan.ts';
import { bareEnvironment } from '../support/firebreak.ts';

let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'firebreak-test-'));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

function demo(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['demo/main.ts', ...args], {
    cwd: resolve(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // ends with the test runner
    env: { ...bareEnvironment(), TMPDIR: temporary },
  });
  let output = '';
  const hear = (chunk: Buffer) => (output += chunk.toString());
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  return { child, output: () => output };
}

async function ended({ child, output }: ReturnType<typeof demo>): Promise<{ code: unknown; output: string }> {
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output() };
}

test('--list prints each story in a line of at most 100 characters', async () => {
  const { code, output } = await ended(demo('--list'));
  expect(code).toBe(0);
  expect(output.trimEnd().split('\n')).toHaveLength(stories.length);
  expect(stories.map(({ name }) => name).every((name) => output.includes(name))).toBe(true);
  const texts = [...output.split('\n'), ...stories.map(({ about }) => about)];
  expect(texts.filter(({ length }) => length > 100)).toEqual([]);
});

test.each(['--story=no-such-story', '--bogus', 'bad-deploy'])('%s is a usage error', async (argument) => {
  const { code, output } = await ended(demo(argument));
  expect(code).toBe(2);
  expect(output).toMatch(/npm run demo -- --help/);
  if (argument.startsWith('--story')) for (const { name } of stories) expect(output).toContain(name);
});

test('a signal such as Ctrl-C stops all child processes and removes the folder', async () => {
  const running = demo('--exit');
  const { stdout } = running.child;
  while (!running.output().includes('deploys checkout')) if (stdout) await once(stdout, 'data');
  const address = /http:\/\/[\d.:]+/.exec(running.output())?.[0] ?? '';
  expect((await fetch(`${address}/healthz`)).status).toBe(200);

  running.child.kill('SIGINT');
  running.child.kill('SIGINT'); // from the terminal and from npm
  expect((await ended(running)).code).toBe(130);
  await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  expect(await readdir(temporary)).toEqual([]);
});

test('a story that does not end reports what it is waiting for', async () => {
  const env = bareEnvironment();
  const paper = { colours: false, write: () => undefined };
  const stage = await Stage.open(
    { ...badDeploy, play: (on) => on.until('the moon to fall', () => Promise.resolve<Fact[] | undefined>(undefined)) },
    { paper, env, timeScale: 60, limitSeconds: 0.5 },
  );
  try {
    const playing = stage.play();
    await expect(playing).rejects.toThrow(/after 0.5 s: it is waiting for the moon to fall/);
    await expect(playing).rejects.toBeInstanceOf(Stuck);
  } finally {
    await stage.close();
  }
});
