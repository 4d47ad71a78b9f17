import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage, StoryTimeout } from '../stage.ts';
import { badDeploy } from '../stories/bad-deploy.ts';
import type { Fact } from '../stories/plan.ts';
import { bareEnvironment } from '../../../test/support/firebreak.ts';
import { demo, ended } from './run-demo.ts';

let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'firebreak-test-'));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

test('a signal such as Ctrl-C stops all child processes and removes the folder', async () => {
  const running = demo(['--exit'], { TMPDIR: temporary });
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
    { output: paper, env, timeScale: 60, limitSeconds: 0.5 },
  );
  try {
    const playing = stage.play();
    await expect(playing).rejects.toThrow(/after 0.5 s: it is waiting for the moon to fall/);
    await expect(playing).rejects.toBeInstanceOf(StoryTimeout);
  } finally {
    await stage.close();
  }
});
