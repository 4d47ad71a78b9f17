/**
 * `npm run check:image`: builds the image of deploy/Containerfile with buildah, runs it as its user with a read-only root,
 * and upgrades the data of a released version with open incidents. Needs root access, Debian's packages `mmdebstrap` and `buildah`, Debian's
 * repository, and npm's registry; otherwise, it is skipped with the reason.
 *
 * No registry of images is needed: Debian's minimal base with the project's Node and a user `node` stands for the base image.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { stopWithParent } from '../local/parent.ts';
import { freePort } from '../packages/demo/free-port.ts';
import { Checks, debianBase, descendants, endAll, eventually, run } from './machine/checks.ts';
import { resolveReleased, restoreReleased } from './machine/released.ts';
import { SERVICES, Story, TOKEN } from './machine/story.ts';
import { currentVersion } from './release/versions.ts';

const root = resolve(import.meta.dirname, '..');
const CONTAINERFILE = join(root, 'deploy/Containerfile');
const MAX_COMPRESSED_MB = 150;
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

const DATA = '/var/lib/firebreak';
const CONFIG = '/opt/firebreak/config';

/** What the image says about how to start it. */
const Image = z.object({
  Docker: z.object({
    config: z.object({
      User: z.string(),
      Cmd: z.array(z.string()),
      Healthcheck: z.object({ Test: z.tuple([z.literal('CMD')], z.string()) }),
      Volumes: z.record(z.string(), z.object({})),
    }),
  }),
});

const checks = new Checks();

/** Returns a function that runs buildah with its storage in a folder. */
const buildahIn = (folder: string) => {
  const options = ['--storage-driver', 'vfs', '--root', join(folder, 'storage'), '--runroot', join(folder, 'state')];
  const env = { ...process.env, TMPDIR: folder };
  return Object.assign((...args: string[]) => run('buildah', [...options, ...args], { cwd: root, env }), {
    options,
    env,
  });
};
type Buildah = ReturnType<typeof buildahIn>;

/** Makes a stand-in for the base image, under its name, so that the Containerfile is built as it is. */
function makeBase(buildah: Buildah, folder: string): string {
  const name = /^FROM (\S+)$/m.exec(readFileSync(CONTAINERFILE, 'utf8'))?.[1] ?? '';
  const tar = debianBase(checks, folder, []);
  const local = join(folder, 'node/usr/local');
  mkdirSync(join(local, 'bin'), { recursive: true });
  cpSync(process.execPath, join(local, 'bin/node'), { dereference: true });
  cpSync(npmFolder(), join(local, 'lib/node_modules/npm'), { recursive: true, dereference: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  // npm reaches the registry as on this machine, which can have an authority of its own.
  mkdirSync(join(local, 'etc'));
  const registry = run('npm', ['config', 'get', 'registry'], { cwd: folder });
  const authority = existsSync(CERTIFICATES) ? `cafile=${CERTIFICATES}\n` : '';
  writeFileSync(join(local, 'etc/npmrc'), `registry=${registry}\n${authority}`);
  const container = buildah('from', 'scratch');
  buildah('add', '--quiet', container, tar, '/');
  buildah('add', '--quiet', container, join(folder, 'node'), '/');
  const user = 'groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node';
  try {
    buildah('run', '--isolation', 'chroot', container, '--', 'sh', '-c', user);
  } catch (error) {
    checks.skip(`buildah cannot run a program here: ${error instanceof Error ? error.message : String(error)}`);
  }
  buildah('commit', '--quiet', '--rm', '--format', 'docker', container, name);
  return name;
}

/** Returns the folder of this machine's npm. */
const npmFolder = (): string => dirname(dirname(realpathSync(run('sh', ['-c', 'command -v npm']))));

function build(buildah: Buildah, version: string): string {
  const image = `localhost/firebreak:${version}`;
  const mounts = existsSync(CERTIFICATES) ? ['--volume', `${CERTIFICATES}:${CERTIFICATES}:ro`] : [];
  buildah(
    'build',
    '--pull=never',
    '--isolation',
    'chroot',
    '--format',
    'docker',
    ...mounts,
    '--tag',
    image,
    '--file',
    CONTAINERFILE,
    root,
  );
  return image;
}

/** Returns the size of an image as a registry stores it. */
function compressedMb(buildah: Buildah, image: string, folder: string): number {
  buildah('push', '--quiet', image, `oci:${join(folder, 'pushed')}:image`);
  const blobs = join(folder, 'pushed/blobs/sha256');
  return Math.round(readdirSync(blobs).reduce((bytes, name) => bytes + statSync(join(blobs, name)).size, 0) / 1e6);
}

/** A container that runs. */
type Container = {
  child: ChildProcess;
  name: string;
  output: () => string;
  isRunning: () => boolean;
  node: () => number;
  ended: Promise<unknown>;
};

/** Starts what the image starts, as a container engine with `--read-only` does: root is read-only, /tmp and /run are in memory. */
function start(buildah: Buildah, image: string, folder: string, port: number, variables: string[] = []): Container {
  const { Cmd, Volumes } = configOf(buildah, image);
  const name = buildah('from', '--pull=never', image);
  const settings = [
    `HOST=127.0.0.1`,
    `PORT=${port}`,
    `FIREBREAK_ADMIN_TOKEN=${TOKEN}`,
    'FIREBREAK_INGEST_TOKEN=unused',
    ...variables,
  ];
  buildah('config', ...settings.flatMap((pair) => ['--env', pair]), name);
  // buildah mounts the volumes of an image itself, after ours. An engine mounts only the named one.
  if (!Object.hasOwn(Volumes, DATA)) throw new Error(`the image has no volume at ${DATA}`);
  buildah('config', '--volume', `${DATA}-`, name);
  const at = buildah('mount', name);
  // buildah creates these files for its mounts, which it cannot do in a read-only root.
  for (const file of ['etc/hosts', 'etc/resolv.conf']) writeFileSync(join(at, file), '', { flag: 'a' });
  const script = `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t tmpfs -o mode=755 tmpfs "$0/run" && exec "$@"`;
  const command = ['buildah', ...buildah.options, 'run', ...mounts(folder), name, '--', ...Cmd];
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, at, ...command], {
    env: buildah.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const container: Container = {
    child,
    name,
    output: () => output.slice(-3000),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    node: () => nodeIn(child),
    ended: once(child, 'exit').then(([code]: unknown[]) => code),
  };
  started.add(container);
  return container;
}

/** Returns the process of Firebreak in a container. @throws Error if there is none */
function nodeIn(container: ChildProcess): number {
  const found = descendants(container.pid ?? 0).find(({ command: [first = ''] }) => basename(first) === 'node');
  if (found === undefined) throw new Error('the container has no process of Node');
  return found.pid;
}

/** Runs a shell script in a container as the user of the image. @throws Error with its output if it fails */
const inside = (container: Container, script: string): string => {
  const enter = ['--target', String(container.node()), '--mount', '--root', '--setuid=1000', '--setgid=1000'];
  return run('nsenter', [...enter, 'sh', '-c', `cd /; ${script}`]);
};

const started = new Set<Container>();

const mounts = (folder: string): string[] => [
  '--isolation=chroot',
  `--volume=${join(folder, 'data')}:${DATA}`,
  `--volume=${join(folder, 'config')}:${CONFIG}:ro`,
  '--mount=type=tmpfs,destination=/tmp',
];

const configOf = (buildah: Buildah, image: string) =>
  Image.parse(JSON.parse(buildah('inspect', '--type', 'image', image))).Docker.config;

/** Prints each folder and file that the user of the image can write to, and tries to write to some. */
const WRITABLE =
  'for d in / /opt/firebreak /home/node /etc /usr/local/bin /run; do touch $d/probe 2>/dev/null && echo $d; done; ' +
  'find / -xdev -path /proc -prune -o -path /dev -prune -o -path /sys -prune -o -writable ! -type l -print 2>/dev/null; id -u';

async function checkImage(folder: string): Promise<void> {
  checks.need('mmdebstrap', 'buildah', 'unshare', 'nsenter');
  const buildah = buildahIn(folder);
  const port = await freePort();
  const story = new Story(root, `http://127.0.0.1:${port}`);
  const ready = (container: Container) => story.ready(() => (container.isRunning() ? undefined : container.output()));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  chownSync(join(folder, 'data'), 1000, 1000);
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config/services.yaml'), SERVICES);
  let image = '';
  await checks.check('a Debian base stands for the base image', () => makeBase(buildah, folder));
  await checks.check('deploy/Containerfile builds', () => {
    image = build(buildah, currentVersion(root));
    return image;
  });

  let container = start(buildah, image, folder, port);
  await checks.check('it starts as its user with a read-only root', async () => {
    await ready(container);
    const status = readFileSync(`/proc/${container.node()}/status`, 'utf8');
    if (!/^Uid:\t1000\t1000\t/m.test(status)) throw new Error(`it runs as ${/^Uid:.*/m.exec(status)?.[0]}`);
    const isReadOnly = /^\S+ \S+ \S+ \S+ \/ ro,/m.test(readFileSync(`/proc/${container.node()}/mountinfo`, 'utf8'));
    if (!isReadOnly) throw new Error('its root is not read-only');
    if (!/^CapEff:\t0+$/m.test(status)) throw new Error(`it has capabilities: ${/^CapEff:.*/m.exec(status)?.[0]}`);
    return 'user 1000, no capabilities';
  });
  await checks.check('it contains no tests, no development packages, and no second Node', () => {
    const found = 'find /opt/firebreak -name vitest -o -name typescript -o -name "node-linux-*" -o -name .git';
    const tests = 'find /opt/firebreak -name node_modules -prune -o -name "*.test.ts" -print';
    const output = inside(container, `${found}; ${tests}`);
    if (output !== '') throw new Error(output);
  });
  await checks.check('its user can write only to the volume and /tmp', () => {
    const output = inside(container, WRITABLE).split('\n');
    if (output.pop() !== '1000') throw new Error('the probe did not run as the user');
    const wrong = output.filter((path) => !path.startsWith(DATA) && !/^\/tmp(\/|$)/.test(path));
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  });
  await checks.check('its health check passes, and fails without Firebreak', () => {
    const [, ...test] = configOf(buildah, image).Healthcheck.Test;
    buildah('run', '--isolation=chroot', container.name, '--', ...test);
    try {
      buildah('run', '--isolation=chroot', '--env', 'PORT=1', container.name, '--', ...test);
    } catch {
      return;
    }
    throw new Error('it passed at a port where nothing listens');
  });
  await story.open(checks);
  await checks.check('after kill -9, the incident is still open', async () => {
    process.kill(container.node(), 'SIGKILL');
    await container.ended;
    container = start(buildah, image, folder, port);
    await ready(container);
    await story.isOpen();
  });
  await checks.check('SIGTERM stops it gracefully', async () => {
    process.kill(container.node(), 'SIGTERM');
    const code = await container.ended;
    if (code !== 0) throw new Error(`it exited with ${String(code)}:\n${container.output()}`);
  });
  await checks.check('a new container continues the incident, until a person resolves it', async () => {
    container = start(buildah, image, folder, port);
    await ready(container);
    await story.isOpen();
    await story.resolve();
  });
  await checks.check('the data is only in the volume, and private', () => {
    const modes = readdirSync(join(folder, 'data')).map(
      (name) => [name, statSync(join(folder, 'data', name)).mode & 0o077] as const,
    );
    const open = modes.filter(([name, mode]) => mode !== 0 && name !== 'status').map(([name]) => name);
    if (open.length > 0 || modes.length === 0)
      throw new Error(`others can read ${open.join(', ') || 'nothing: it is empty'}`);
  });
  process.kill(container.node(), 'SIGTERM');
  await container.ended;
  await checks.check('the open incidents in the data of a released version continue, and get resolved', async () => {
    const own = join(folder, 'released');
    mkdirSync(join(own, 'config'), { recursive: true });
    const to = { data: join(own, 'data'), config: join(own, 'config'), configSeen: CONFIG };
    const { version, variables } = await restoreReleased(root, to);
    run('chown', ['-R', '1000:1000', to.data]);
    container = start(buildah, image, own, port, variables);
    await ready(container);
    await resolveReleased(root, `http://127.0.0.1:${port}`);
    process.kill(container.node(), 'SIGTERM');
    await container.ended;
    return version;
  });
  await checks.check('three commands lead to the first shadowed alert', () => firstAlert(buildah, image, folder, port));
  await checks.check(`the image has at most ${MAX_COMPRESSED_MB} MB compressed`, () => {
    const mb = compressedMb(buildah, image, folder);
    if (mb > MAX_COMPRESSED_MB) throw new Error(`it has ${mb} MB`);
    return `${mb} MB`;
  });
}

/** Runs the commands of docs/start/shadow-your-alerts.md for the image, and returns the seconds that they take. */
async function firstAlert(buildah: Buildah, image: string, folder: string, port: number): Promise<string> {
  const own = join(folder, 'first');
  mkdirSync(join(own, 'data'), { recursive: true });
  chownSync(join(own, 'data'), 1000, 1000);
  cpSync(join(root, 'examples/shadow'), join(own, 'config'), { recursive: true });
  const began = performance.now();
  const container = start(buildah, image, own, port);
  await eventually('Firebreak is ready', async () => {
    if (!container.isRunning()) throw new Error(container.output());
    return (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok || undefined;
  });
  const variables = `PORT=${port} FIREBREAK_DATA_DIR=${DATA} FIREBREAK_ADMIN_TOKEN=${TOKEN}`;
  const cli = `${variables} firebreak`;
  const alert = readFileSync(join(root, 'examples/kubernetes/alert.json'), 'utf8').replaceAll('\n', '');
  inside(container, `printf '%s' '${alert}' | (${cli} send generic -)`);
  await eventually('the alert is shadowed', () =>
    Promise.resolve(inside(container, `${cli} incident show INC-1`).includes('Not paged') || undefined),
  );
  const seconds = (performance.now() - began) / 1000;
  process.kill(container.node(), 'SIGTERM');
  await container.ended;
  return `${seconds.toFixed(1)} s`;
}

stopWithParent();
await checks.all(async (folder) => {
  try {
    await checkImage(folder);
  } finally {
    // What still runs, if a check failed.
    for (const { child, ended } of started) {
      endAll(child);
      await ended;
    }
  }
});
