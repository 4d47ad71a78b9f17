import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { pathWithoutProjectPrograms } from '../../../scripts/setup.mjs';
import { containerfile, environmentOf, restOf, ROOT } from '../../deploy/containerfile.ts';
import { environmentOfUnit, UNIT, unit } from '../../deploy/unit.ts';
import { have } from '../../support/prometheus-stack.ts';

/* The files in deploy/, as far as they can be tested without systemd as PID 1 and without a container engine. */

const run = promisify(execFile);

/** An unprivileged user. Only root can switch to it; other accounts run these programs as themselves. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

type Started = {
  output: () => string;
  url: string;
  stop: (signal: 'SIGTERM') => Promise<number | null>;
  kill: () => void;
};

/** Resolves when Firebreak is ready. Throws with its output if it exits. */
async function started(
  program: string,
  args: string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<Started> {
  const child: ChildProcess = spawn(program, args, { ...options, ...NOBODY, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk.toString();
      const found = /^firebreak ready on (\S+)$/m.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${output}`)));
  });
  return {
    output: () => output,
    url,
    stop: async (signal) => {
      child.kill(signal);
      const [code] = await ended;
      return code as number | null;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

describe('the content of an image: what was built, and nothing that its user can write', () => {
  let folder: string;
  let home: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firebreak-image-'));
    home = join(folder, 'opt');
    const data = join(folder, 'data');
    await chmod(folder, 0o755);
    const all = await containerfile();
    await cp(join(ROOT, 'dist'), home, { recursive: true });
    await run('chmod', ['-R', 'a+rX,a-w', home]);
    await mkdir(data, { mode: 0o700 });
    if (NOBODY.uid !== undefined) await run('chown', [`${NOBODY.uid}:${NOBODY.gid}`, data]);
    environment = {
      PATH: '/usr/bin:/bin',
      ...environmentOf(all),
      FIREBREAK_DATA_DIR: data,
      NODE_COMPILE_CACHE: join(folder, 'compiled'), // its user can't create this folder, so Node runs without a cache
      PORT: String(await freePort()),
      HOST: '127.0.0.1',
    };
  });
  afterAll(async () => {
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("starts, is healthy by the image's check, keeps its data private, and stops gracefully", async () => {
    const all = await containerfile();
    const [command = '[]'] = restOf(all, 'CMD');
    const [, ...args] = JSON.parse(command) as string[];
    const firebreak = await started(process.execPath, args, { cwd: home, env: environment });
    try {
      const [, check = '[]'] = /CMD (\[.*\])$/.exec(restOf(all, 'HEALTHCHECK')[0] ?? '') ?? [];
      const [, ...asked] = JSON.parse(check) as string[];
      await run(process.execPath, asked, { env: environment });
      await expect(run(process.execPath, asked, { env: { ...environment, PORT: '1' } })).rejects.toThrow();
      const answers = ['/sandbox', '/metrics', '/readyz'].map(
        async (path) => (await fetch(firebreak.url + path)).status,
      );
      expect(await Promise.all(answers)).toEqual([404, 200, 200]);
      const files = await readdir(environment['FIREBREAK_DATA_DIR'] ?? '', { withFileTypes: true });
      const modes = files.map(async (file) => [file.name, (await stat(join(file.parentPath, file.name))).mode & 0o077]);
      // The folder of the snapshot is for a static host, and contains public pages only.
      expect((await Promise.all(modes)).filter(([name, mode]) => mode !== 0 && name !== 'status')).toEqual([]);
      expect(await firebreak.stop('SIGTERM')).toBe(0);
    } finally {
      firebreak.kill();
    }
  });

  test('its command line runs on the Node of the image', async () => {
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
    const { stdout } = await run(join(home, 'firebreak'), ['check'], { cwd: folder, env });
    expect(stdout).toContain(': OK');
  });

  test('its command line names what is missing on an older Node', async () => {
    const old = join(folder, 'old');
    await mkdir(old);
    await writeFile(join(old, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const ran = run(join(home, 'firebreak'), ['check'], { env: { PATH: `${old}:/usr/bin:/bin` } });
    await expect(ran).rejects.toThrow(`Node 24 or newer is needed: npm ci --prefix ${home}/scripts/node`);
  });
});

describe('the systemd unit', () => {
  const isHere = have('systemd-analyze');
  let folder: string;
  let installed: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firebreak-unit-'));
    await chmod(folder, 0o755);
    // As docs/how-to/production.md says. On machines with an older Node it is in the clone, and runs this test.
    installed = join(folder, 'installed');
    await cp(join(ROOT, 'dist'), installed, { recursive: true });
    const packages = join(ROOT, 'scripts/node/node_modules');
    const env = { ...process.env, PATH: pathWithoutProjectPrograms() };
    if (existsSync(packages)) await symlink(packages, join(installed, 'scripts/node/node_modules'));
    else await run('npm', ['ci', '--prefix', join(installed, 'scripts/node'), '--prefer-offline'], { env });
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  test.runIf(isHere)('is valid, with a low exposure', async () => {
    const file = join(folder, 'firebreak.service');
    await writeFile(file, (await readFile(UNIT, 'utf8')).replaceAll('/opt/firebreak', installed)); // which must exist
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
    expect(stderr.split('\n').filter((line) => line.includes('firebreak.service'))).toEqual([]);
    // In tenths: a unit without any hardening has 96, and 20 still counts as OK.
    await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', file]);
  });

  test('its command starts Firebreak with its settings, and SIGTERM to that process alone stops it', async () => {
    const all = await unit();
    const [program = '', ...args] = all['ExecStart']?.[0]?.split(' ') ?? [];
    const set = environmentOfUnit(all);
    const moved = (path: string) =>
      path.replace('/opt/firebreak', installed).replace(/^\/(etc|var)\//, `${folder}/$1/`);
    const env = Object.fromEntries(Object.entries(set).map(([name, value]) => [name, moved(value)]));
    for (const path of ['etc/firebreak/config', 'etc/firebreak/runbooks', 'var/cache/firebreak', 'var/lib/firebreak'])
      await mkdir(join(folder, path), { recursive: true });
    const child = spawn(moved(program), args, {
      cwd: moved(all['WorkingDirectory']?.[0] ?? ''),
      env: { PATH: '/usr/bin:/bin', PORT: '0', FIREBREAK_ADMIN_TOKEN: 'a', FIREBREAK_INGEST_TOKEN: 'b', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    for await (const chunk of child.stdout) if (String(chunk).includes('firebreak ready on')) break;
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
