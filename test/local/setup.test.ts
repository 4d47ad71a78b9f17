import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';

const project = resolve(import.meta.dirname, '../..');
let folder: string;

/** A clone of a small project, and an npm that needs no network. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-setup-'));
  await mkdir(join(folder, 'local'));
  await Promise.all(
    ['npm-parent', 'bootstrap', 'setup'].map((name) =>
      cp(join(project, `local/${name}.mjs`), join(folder, `local/${name}.mjs`)),
    ),
  );
  await writeFile(join(folder, 'local/program.mjs'), `console.log('running');`);
  await lockFile('1.0.0');
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/npm'), NPM);
  await chmod(join(folder, 'bin/npm'), 0o755);
  await symlink(process.execPath, join(folder, 'bin/node'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Records its calls, and imitates the visible effects of `npm ci` and `npm install`. */
const NPM = `#!/bin/sh
echo "$1 $3" >> calls
[ -n "$FAIL" ] && [ "$1" = "$FAIL" ] && { echo 'npm error no network' >&2; exit 1; }
case "$1" in
  ci) mkdir -p node_modules/.bin && { [ -n "$NO_NODE" ] || ln -sf "${process.execPath}" node_modules/.bin/node; } && cp package-lock.json node_modules/.package-lock.json ;;
  install) mkdir -p "node_modules/\${3%@*}" && echo '{}' > "node_modules/\${3%@*}/package.json" ;;
esac
`;

const lockFile = (zod: string) =>
  writeFile(
    join(folder, 'package-lock.json'),
    JSON.stringify({
      packages: {
        '': {},
        'node_modules/zod': { version: zod },
        'node_modules/@dynoxide/linux-x64': { version: '1.2.1', optional: true },
        'node_modules/vitest': { version: '1.0.0', dev: true },
      },
    }),
  );

/** Runs the program on a machine with this platform until it ends. */
async function start(machine: { arch?: string; node?: string; env?: Record<string, string>; program?: string } = {}) {
  const arch = machine.arch ?? 'x64';
  const versions = machine.node === undefined ? '' : `, versions: { value: { node: '${machine.node}' } }`;
  const pretend = `Object.defineProperties(process, { platform: { value: 'linux' }, arch: { value: '${arch}' }${versions} })`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(pretend)}`,
    'local/bootstrap.mjs',
    machine.program ?? 'local/program.mjs',
  ];
  const path = [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter);
  const env = { PATH: path, FIREBREAK_DYNOXIDE_BIN: '/bin/true', ...machine.env };
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { out, err, code: code as unknown };
}

const calls = () => readFile(join(folder, 'calls'), 'utf8').catch(() => '');

test('missing packages are installed once; stdout is left to the program', async () => {
  const first = await start();
  expect(first).toMatchObject({ out: 'running\n', code: 0 });
  expect(first.err).toMatch(/installing the packages of package-lock\.json .*npm ci/);
  expect(await start()).toEqual({ out: 'running\n', err: '', code: 0 });
  expect(await calls()).toBe('ci --fetch-retries=3\n');
});

test('without a verified Node binary, no other Node is used', async () => {
  const { code, out, err } = await start({ node: '20.11.0', env: { NO_NODE: 'yes' } });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/no Node 24 for linux-x64 at .*does not match its hash in package-lock\.json/s);
  expect(await calls()).toBe('ci --fetch-retries=3\n');
});

test('a Node package of an earlier version, without a hash, is replaced', async () => {
  await start();
  const file = join(folder, 'node_modules/.package-lock.json');
  const installed = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, unknown> };
  await writeFile(file, JSON.stringify({ packages: { ...installed.packages, 'node_modules/node': {} } }));
  await start();
  await start();
  expect((await calls()).match(/^ci/gm)).toHaveLength(2);
});

test('a changed lock file is installed again', async () => {
  await start();
  await lockFile('1.0.1');
  await start();
  expect((await calls()).match(/^ci/gm)).toHaveLength(2);
});

test('an install without development packages is enough for the product, but not for its tests', async () => {
  await start();
  const file = join(folder, 'node_modules/.package-lock.json');
  const installed = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, unknown> };
  delete installed.packages['node_modules/vitest'];
  await writeFile(file, JSON.stringify(installed));
  expect(await start()).toEqual({ out: 'running\n', err: '', code: 0 });
  expect((await calls()).match(/^ci/gm)).toHaveLength(1);
  await mkdir(join(folder, 'test'));
  await cp(join(folder, 'local/program.mjs'), join(folder, 'test/program.mjs'));
  expect(await start({ program: 'test/program.mjs' })).toMatchObject({ out: 'running\n', code: 0 });
  expect((await calls()).match(/^ci/gm)).toHaveLength(2);
});

test('an interrupted install is repeated', async () => {
  await start();
  await rm(join(folder, 'node_modules/.package-lock.json'));
  await start();
  expect((await calls()).match(/^ci/gm)).toHaveLength(2);
});

test('two concurrent starts install once', async () => {
  const both = await Promise.all([start(), start()]);
  expect(both.map(({ out, code }) => ({ out, code }))).toEqual(Array.from(both, () => ({ out: 'running\n', code: 0 })));
  expect((await calls()).match(/^ci/gm)).toHaveLength(1);
});

test('a killed set-up does not block the next one', async () => {
  const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(dead, 'exit');
  await writeFile(join(folder, '.setup-lock'), String(dead.pid));
  expect(await start()).toMatchObject({ code: 0 });
});

test('when npm fails, its output is shown with the requirements', async () => {
  const { out, err, code } = await start({ env: { FAIL: 'ci' } });
  expect(err).toContain('npm error no network');
  expect(err).toMatch(/set-up failed: "npm ci" .* failed \(1\)/);
  expect(err).not.toMatch(/^ +at /m); // no stack trace: the message is for the person who started it
  expect({ out, code }).toEqual({ out: '', code: 1 });
});

test('a machine without npm gets an error message', async () => {
  await rm(join(folder, 'bin/npm'));
  const { err, code } = await start({ env: { PATH: join(folder, 'bin') } });
  expect(err).toMatch(/"npm ci" .* failed \(spawnSync npm ENOENT\)/);
  expect(code).toBe(1);
});

test('on another platform, its DynamoDB is installed by name, in the version of the lock file', async () => {
  expect(await start({ arch: 'arm64', env: { FIREBREAK_DYNOXIDE_BIN: '' } })).toMatchObject({
    out: 'running\n',
    code: 0,
  });
  expect(await calls()).toContain('install @dynoxide/linux-arm64@1.2.1\n');
});

test('without a DynamoDB for the platform, one message names both alternatives', async () => {
  const nowhere = { arch: 'riscv64', env: { FAIL: 'install', FIREBREAK_DYNOXIDE_BIN: '' } };
  const { out, err, code } = await start(nowhere);
  expect(err).toContain('no local DynamoDB for linux-riscv64');
  expect(err).toContain('FIREBREAK_DYNOXIDE_BIN');
  expect(err).toContain('AWS_ENDPOINT_URL_DYNAMODB');
  expect({ out, code }).toEqual({ out: '', code: 1 });
  const elsewhere = { ...nowhere, env: { ...nowhere.env, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:8000' } };
  expect(await start(elsewhere)).toMatchObject({ out: 'running\n', code: 0 });
});
