import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleOf } from '../../../kill/boundaries.ts';
import { Bench, clientOf } from './bench.ts';
import { effectsOf, killWorkflow, RESULT } from './kill-workflow.ts';

const root = mkdtempSync(join(tmpdir(), 'kill-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A process that runs the workflow; see kill-child.ts. */
class Victim {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly exited: Promise<string | null>;

  constructor(dir: string, killAt = 0) {
    const program = fileURLToPath(new URL('kill-child.ts', import.meta.url));
    this.#process = spawn(process.execPath, [program, dir, String(killAt)], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.#lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    this.exited = new Promise((resolve) => this.#process.once('exit', (_, signal) => resolve(signal)));
  }

  /** Returns the next line that starts with `word`, without it. */
  async says(word: string): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the process ended without saying '${word}'`);
      if (value.startsWith(`${word} `)) return value.slice(word.length + 1);
    }
  }

  kill(): Promise<string | null> {
    if (this.#process.pid !== undefined) process.kill(this.#process.pid, 'SIGKILL');
    return this.exited;
  }
}

const startIncident = (url: string, name: string) => {
  const lambda = clientOf(() => url);
  const command = new InvokeCommand({
    FunctionName: 'incident:$LATEST',
    InvocationType: 'Event',
    DurableExecutionName: name,
  });
  return lambda.send(command).finally(() => lambda.destroy());
};

/** Starts again in this process with the state of a killed one. */
async function recovered(dir: string): Promise<Bench> {
  const bench = new Bench();
  await bench.start(
    killWorkflow(bench.lambda, dir, () => {}),
    { file: join(dir, 'durable.sqlite'), timeScale: 100_000 },
  );
  return bench.resume();
}

/** Returns the number of occurrences per effect. */
function count(effects: readonly string[]): Record<string, number> {
  const times: Record<string, number> = {};
  for (const effect of effects) times[effect] = (times[effect] ?? 0) + 1;
  return times;
}

const REPEATABLE = ['paged', 'left', 'right', 'asked', 'noted', 'verified'];

describe('kill -9', () => {
  let boundaries = 0;

  beforeAll(async () => {
    const dir = mkdtempSync(join(root, 'whole-'));
    const victim = new Victim(dir);
    await startIncident(await victim.says('url'), 'whole');
    boundaries = Number(await victim.says('boundaries'));
    await victim.kill();
    expect(count(effectsOf(dir))).toEqual({ ...Object.fromEntries(REPEATABLE.map((name) => [name, 1])), once: 1 });
  });

  /** The share of boundaries to test, selected by FIREBREAK_SEED. FIREBREAK_KILL_SHARE=1 tests all of them. */
  const SHARE = Number(process.env['FIREBREAK_KILL_SHARE'] ?? 0.4);

  test('at a boundary of a workflow: it continues, and only work in progress can happen again', async () => {
    expect(boundaries).toBeGreaterThan(40);
    const all = Array.from({ length: boundaries }, (_, n) => String(n + 1));
    const some = sampleOf(all, Math.ceil(all.length * SHARE), process.env['FIREBREAK_SEED'] ?? '1');
    // Two at a time, each in its own process.
    const next = some.map(Number).values();
    const worker = async () => {
      for (const killAt of next) await killedAt(killAt);
    };
    await Promise.all([worker(), worker()]);
  }, 120_000);

  async function killedAt(killAt: number): Promise<void> {
    const dir = mkdtempSync(join(root, `at-${killAt}-`));
    const victim = new Victim(dir, killAt);
    // The process can exit before it responds. The start is repeated below, as by any caller.
    await startIncident(await victim.says('url'), 'i1').catch(() => undefined);
    expect(await victim.exited, `boundary ${killAt}`).toBe('SIGKILL');
    const bench = await recovered(dir);
    const arn = await bench.begin('incident', {}, 'i1');
    const ended = await bench.ended(arn);
    await bench.remove();
    expect([killAt, ended.Status, JSON.parse(ended.Result ?? 'null')]).toEqual([killAt, 'SUCCEEDED', RESULT]);
    const { once = 0, ...repeatable } = count(effectsOf(dir));
    expect(once, `boundary ${killAt}: at most once`).toBeLessThanOrEqual(1);
    expect(Object.keys(repeatable).toSorted(), `boundary ${killAt}`).toEqual(REPEATABLE.toSorted());
    const repeated = Object.values(repeatable).reduce((sum, times) => sum + times - 1, 0);
    expect(repeated, `boundary ${killAt}: effects repeated`).toBeLessThanOrEqual(1);
  }

  test('under load: every acknowledged start is found and its execution ends', async () => {
    const dir = mkdtempSync(join(root, 'load-'));
    const victim = new Victim(dir);
    const url = await victim.says('url');
    const acknowledged: string[] = [];
    const callers = Array.from({ length: 40 }, async (_, n) => {
      await startIncident(url, `load-${n}`);
      acknowledged.push(`load-${n}`);
      if (acknowledged.length === 20) await victim.kill();
    });
    await Promise.allSettled(callers);
    await victim.exited;
    const bench = await recovered(dir);
    for (const name of acknowledged) {
      const arn = await bench.begin('incident', {}, name); // finds the execution: name and input are the same
      expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: JSON.stringify(RESULT) });
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);
    expect(count(effectsOf(dir))['once']).toBeLessThanOrEqual(40);
    await bench.remove();
  });
});
