import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { cli } from './support.ts';

const run = promisify(execFile);

/** Returns the completions that bash offers after these words. */
async function offered(script: string, words: readonly string[]): Promise<string[]> {
  const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _firebreak; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', program, 'bash', 'firebreak', ...words]);
  return stdout.split('\n').filter(Boolean);
}

describe('firebreak completion', () => {
  test('bash completes commands, options, and option values', async () => {
    const { code, out } = await cli(['completion', 'bash']);
    expect(code).toBe(0);
    expect(await offered(out, ['inc'])).toEqual(['incident']);
    expect(await offered(out, ['incident', 'a'])).toEqual(['ack', 'approve', 'abort', 'assign']);
    expect(await offered(out, ['incident', 'list', '--status', ''])).toEqual([
      'open',
      'mitigating',
      'mitigated',
      'resolved',
    ]);
    expect(await offered(out, ['incident', 'declare', 'shop', '--sev'])).toEqual(['--severity']);
    expect(await offered(out, ['freeze', 'open', '--un'])).toEqual(['--until', '--until-lifted']);
    expect(await offered(out, ['completion', ''])).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });

  test('zsh and fish complete every command and option', async () => {
    const [zsh, fish] = await Promise.all(['zsh', 'fish'].map(async (shell) => (await cli(['completion', shell])).out));
    expect(zsh).toMatch(/^#compdef firebreak\n/);
    expect(zsh).toContain(`'incident approve/--note') _files; return ;;`);
    expect(zsh).toContain(`'incident list/--status') compadd -- 'open' 'mitigating' 'mitigated' 'resolved'; return ;;`);
    expect(fish).toContain(
      `complete -c firebreak -n '__firebreak_at "incident"' -f -a 'approve' -d 'Approve a waiting question'`,
    );
    expect(fish).toContain(`complete -c firebreak -n '__firebreak_at "freeze open"' -l until-lifted`);
  });

  test('an unknown shell is a usage error that lists the supported shells', async () => {
    expect(await cli(['completion', 'csh'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Allowed choices are bash, zsh, fish.'),
    });
  });
});
