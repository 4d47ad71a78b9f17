import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { ADMIN_TOKEN, bareEnvironment, type Firebreak } from '../support/firebreak.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export type Ended = { code: number | null; out: string; err: string };

/** Runs the command as a process of its own, with nothing of this one's environment. */
export async function cli(
  args: readonly string[],
  {
    env = {},
    cwd = ROOT,
    program = 'cli/main.ts',
  }: { env?: Record<string, string>; cwd?: string; program?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, program), ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...bareEnvironment(), ...env },
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, out, err };
}

/** The same, spoken to this instance by its admin. */
export const at = (firebreak: Firebreak, ...args: string[]): Promise<Ended> =>
  cli(args, { env: { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN } });
