import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from '../../../entrances/cli/program.ts';
import type { CommandContext } from '../../../entrances/cli/command-context.ts';
import { ADMIN_TOKEN, bareEnvironment, type Firebreak } from '../../support/firebreak.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

export type Ended = { code: number | null; out: string; err: string };

type Env = Record<string, string>;

/**
 * Runs a command with an empty environment. Runs it in this process, because starting one is slow; `cwd` is its working
 * directory meanwhile.
 */
export async function cli(
  args: readonly string[],
  {
    env = {},
    cwd = ROOT,
    root = ROOT,
    ask,
  }: { env?: Env; cwd?: string; root?: string; ask?: CommandContext['ask'] | undefined } = {},
): Promise<Ended> {
  let [out, err] = ['', ''];
  const before = process.cwd();
  process.chdir(cwd);
  const code = await run(args, {
    env: { ...bareEnvironment(), ...env },
    cwd,
    root,
    out: (said) => void (out += `${said}\n`),
    err: (said) => void (err += `${said}\n`),
    ...(ask !== undefined && { ask }),
  }).finally(() => process.chdir(before));
  return { code, out, err };
}

/** Returns a prompt that gives these answers and collects the questions. */
export const terminal =
  (answers: string[], asked: string[]): NonNullable<CommandContext['ask']> =>
  async (question) => {
    asked.push(question);
    return answers.shift() ?? '';
  };

/** Runs the launcher in a process of its own, as `npx firebreak` does. */
export async function launched(
  args: readonly string[],
  { cwd = ROOT, env = {} }: { cwd?: string; env?: Env } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'entrances/cli/bin.mjs'), ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...bareEnvironment(), ...env },
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, err };
}

/** Runs a command against an instance with its admin token. */
export const at = (firebreak: Firebreak, ...args: string[]): Promise<Ended> =>
  cli(args, { env: { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN } });
