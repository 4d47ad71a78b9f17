import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { bareEnvironment } from '../../../test/support/firebreak.ts';

/** Runs the demo's command, with the temporary folder `TMPDIR` of `env` if there is one. */
export function demo(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['packages/demo/main.ts', ...args], {
    cwd: resolve(import.meta.dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // ends with the test runner
    env: { ...bareEnvironment(), ...env },
  });
  let output = '';
  const hear = (chunk: Buffer) => (output += chunk.toString());
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  return { child, output: () => output };
}

export async function ended({ child, output }: ReturnType<typeof demo>): Promise<{ code: unknown; output: string }> {
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output() };
}
