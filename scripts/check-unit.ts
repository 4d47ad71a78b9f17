/**
 * `npm run check:unit`: boots systemd in a Debian base, installs Firebreak with the commands of docs/how-to/production.md,
 * and checks that the unit restarts, limits, and protects it, and that incidents continue after `kill -9`, a stall, another
 * boot, and an upgrade, also those of a released version.
 * Needs root access, Debian's packages `mmdebstrap` and `systemd-container`, Debian's repository, and npm's registry;
 * otherwise, it is skipped with the reason.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stopWithParent } from '../local/parent.ts';
import { freePort } from '../packages/demo/free-port.ts';
import { projectFiles } from './checks/files.ts';
import { Checks, debianBase, descendants, endAll, eventually, run } from './machine/checks.ts';
import { resolveReleased, restoreReleased } from './machine/released.ts';
import { SERVICES, Story, TOKEN } from './machine/story.ts';
import { currentVersion } from './release/versions.ts';
import { pathWithoutProjectPrograms } from './setup.mjs';

const root = resolve(import.meta.dirname, '..');

/** A version that was never released: the same source, to upgrade from. */
const PREVIOUS = '0.0.1';

/** In tenths, as `systemd-analyze` takes it: a unit without any hardening has 96, and 20 still counts as OK. */
const MAX_EXPOSURE = 20;

/** `MemoryMax` of the unit. */
const MEMORY_MAX = 1536 * 1024 * 1024;

/** Less than Firebreak needs. */
const TOO_LITTLE_MEMORY = '60M';

/** `WatchdogSec` for one check, instead of the minute of the unit. */
const SHORT_WATCHDOG = '10s';
const DROP_IN = '/run/systemd/system/firebreak.service.d';

const PROGRAM = 'opt/firebreak';
const CLONE = 'usr/local/src/firebreak';
const SETTINGS = 'etc/firebreak';

const SHUT_DOWN_MAX_MS = 20_000;

const checks = new Checks();

/** Returns the blocks of shell commands of docs/how-to/production.md: from step 1 to step 3, and of an upgrade. */
function documentedCommands(): { install: string[]; upgrade: string } {
  const page = readFileSync(join(root, 'docs/how-to/production.md'), 'utf8');
  const blocks = (from: string, to: string): string[] =>
    [...page.slice(page.indexOf(from), page.indexOf(to)).matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(
      ([, block = '']) => block,
    );
  return { install: blocks('\n## 1. ', '\n## 4. '), upgrade: blocks('- **Upgrades**', '- **Disk space**').join('\n') };
}

/** These commands run on this machine: the base has neither git nor npm. */
const RUNS_OUTSIDE = /^(git|npm|cp|mv|rm) /;

/** Stands for the clone, with the packages of this one. */
function copyClone(at: string): void {
  const clone = join(at, CLONE);
  for (const file of projectFiles(root)) {
    if (/^(test|docs\/pictures)\//.test(file)) continue;
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
}

/** Builds and installs a version by the documented commands, without those of git. @throws Error if there are none */
function installVersion(at: string, version: string, commands: string): void {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object;
  writeFileSync(join(at, CLONE, 'package.json'), JSON.stringify({ ...manifest, version }, null, 2));
  const env = { ...process.env, PATH: pathWithoutProjectPrograms() };
  const outside = commands
    .replaceAll(/ &&\n */g, ' && ')
    .split('\n')
    .flatMap((line) => line.trim().split(' && '))
    .filter((line) => RUNS_OUTSIDE.test(line) && !line.startsWith('git '))
    .map((line) => line.split('#')[0]?.replaceAll(`/${PROGRAM}`, join(at, PROGRAM)) ?? '');
  if (!outside.includes('npm run build')) throw new Error('docs/how-to/production.md has no npm run build');
  for (const line of outside) run('sh', ['-c', line], { cwd: join(at, CLONE), env });
}

/** A booted system. */
class Machine {
  private readonly child: ChildProcess;
  private output = '';
  /** Cleans up after the machine. */
  afterEnd = (): void => {};

  constructor(at: string) {
    const options = ['--quiet', '--register=no', '--keep-unit', '--boot', '--console=pipe', '--resolv-conf=off'];
    this.child = spawn('systemd-nspawn', [...options, `--directory=${at}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** Returns the end of the console's output if the machine is down. */
  whyDown(): string | undefined {
    return this.isRunning() ? undefined : this.output.slice(-2000);
  }

  private isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Returns the process of systemd, the first one of the machine. */
  private get init(): number {
    return (
      descendants(this.child.pid ?? 0).find(({ command: [first = ''] }) => /(^|\/)(systemd|init)$/.test(first))?.pid ??
      0
    );
  }

  /** Runs a shell script inside as root. @throws Error with its output if it fails */
  run(script: string): string {
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const enter = ['--target', String(this.init), '--mount', '--uts', '--ipc', '--pid', '--root'];
    return run('nsenter', [...enter, 'env', '-i', path, 'HOME=/', 'sh', '-ec', `cd /\n${script}`]);
  }

  async booted(): Promise<string> {
    return await eventually('systemd has booted', () => {
      const why = this.whyDown();
      if (why !== undefined) checks.skip(`systemd-nspawn cannot boot a system here: ${why}`);
      if (this.init === 0) return undefined;
      const state = this.run('systemctl is-system-running || true');
      return /^(running|degraded)$/.test(state) ? state : undefined;
    });
  }

  /** Returns a property of the service. */
  show(property: string): string {
    return this.run(`systemctl show firebreak --value --property=${property}`);
  }

  /** The process of the service, as this machine numbers it. @throws Error if there is none */
  get main(): number {
    const found = descendants(this.init).find(({ command }) => command.at(-1) === 'main.mjs');
    if (found === undefined) throw new Error('the service has no process');
    return found.pid;
  }

  async restarted(times: number): Promise<void> {
    await eventually(`systemd has restarted the service ${times} times`, () =>
      Number(this.show('NRestarts')) >= times ? true : undefined,
    );
  }

  async end(): Promise<void> {
    if (this.isRunning()) await this.shutDown();
    this.afterEnd();
  }

  private async shutDown(): Promise<void> {
    const ended = once(this.child, 'exit');
    const late = setTimeout(() => endAll(this.child), SHUT_DOWN_MAX_MS);
    this.child.kill('SIGTERM');
    await ended;
    clearTimeout(late);
  }
}

/** Folder of cgroup v1's memory controller, below which is that of this process; absent with cgroup v2. */
const MEMORY_V1 = '/sys/fs/cgroup/memory';

/**
 * Lets systemd use the memory controller. With cgroup v1, systemd-nspawn mounts it read-only, and systemd would start the
 * service without its limit.
 *
 * @returns a function that removes the groups that systemd leaves behind then
 */
function useMemoryController(machine: Machine): () => void {
  const own = /^\d+:memory:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (own === undefined || !existsSync(MEMORY_V1)) return () => {};
  const before = new Set(foldersIn(join(MEMORY_V1, own)));
  machine.run(`mount -o remount,bind,rw ${MEMORY_V1} && systemctl daemon-reexec`);
  return () => {
    for (const group of foldersIn(join(MEMORY_V1, own))) if (!before.has(group)) removeGroup(group);
  };
}

const foldersIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name));

/** Removes a control group and those in it. The kernel refuses it while a process is in one. */
function removeGroup(group: string): void {
  for (const inner of foldersIn(group)) removeGroup(inner);
  rmdirSync(group);
}

/**
 * Returns the limit of memory that the kernel enforces for a process, in bytes, or undefined if its group has no memory
 * controller: with cgroup v2, systemd gets one only if no other process is in the group in which this check runs.
 */
function memoryLimit(pid: number): number | undefined {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const [, first = ''] = /^\d+:memory:(.*)$/m.exec(groups) ?? [];
  const [, second = ''] = /^0::(.*)$/m.exec(groups) ?? [];
  const files = [`${MEMORY_V1}${first}/memory.limit_in_bytes`, `/sys/fs/cgroup${second}/memory.max`];
  const file = files.find((path) => existsSync(path));
  return file === undefined ? undefined : Number(readFileSync(file, 'utf8'));
}

async function checkUnit(folder: string, boot: (at: string) => Machine): Promise<void> {
  checks.need('mmdebstrap', 'systemd-nspawn', 'nsenter');
  const at = join(folder, 'machine');
  const { install, upgrade } = documentedCommands();
  const port = await freePort();
  const story = new Story(root, `http://127.0.0.1:${port}`);
  await checks.check('a Debian base with systemd', () => {
    const tar = debianBase(checks, folder, ['systemd', 'systemd-sysv', 'dbus', 'adduser']);
    mkdirSync(at);
    run('tar', ['--extract', '--file', tar, '--directory', at]);
  });
  await checks.check('the program is built and installed as documented', () => {
    copyClone(at);
    installVersion(at, PREVIOUS, install.join('\n'));
  });
  let machine = boot(at);
  const ready = () => story.ready(() => machine.whyDown());
  await checks.check('systemd boots as PID 1', async () => await machine.booted());
  machine.afterEnd = useMemoryController(machine);
  await checks.check('the documented commands configure, check, and start the service', async () => {
    const [program = '', settings = '', ...rest] = install.map((block) =>
      block
        .split('\n')
        .filter((line) => !RUNS_OUTSIDE.test(line) && !line.startsWith('openssl '))
        .join('\n'),
    );
    machine.run(program);
    machine.run(`cd /${CLONE}\n${settings}`);
    writeFileSync(join(at, SETTINGS, 'config/services.yaml'), SERVICES);
    const values = [`FIREBREAK_ADMIN_TOKEN=${TOKEN}`, 'FIREBREAK_INGEST_TOKEN=unused', `PORT=${port}`];
    writeFileSync(join(at, SETTINGS, 'firebreak.env'), `${values.join('\n')}\n`, { flag: 'a' });
    const output = rest.map((block) => machine.run(`cd /${CLONE}\n${block}`)).join('\n');
    if (!output.includes('firebreak ready on')) throw new Error(output);
    await ready();
  });
  await checks.check(`its exposure is at most ${MAX_EXPOSURE / 10}`, () => {
    const output = machine.run(`systemd-analyze security --no-pager --threshold=${MAX_EXPOSURE} firebreak`);
    const open = [...output.matchAll(/^✗ (\S+=\S*)/gm)].map(([, name = '']) => name);
    return `${/exposure level.*: (.*)/.exec(output)?.[1] ?? '?'}; exposed: ${open.join(' ')}`;
  });
  await checks.check('it runs as its user, without capabilities, and can write only to its data and cache', () => {
    const status = readFileSync(`/proc/${machine.main}/status`, 'utf8');
    const wanted = [/^CapEff:\t0+$/m, /^CapBnd:\t0+$/m, /^NoNewPrivs:\t1$/m, /^Seccomp:\t2$/m];
    const missing = wanted.filter((pattern) => !pattern.test(status));
    if (missing.length > 0 || /^Uid:\t0\t/m.test(status)) throw new Error(status);
    const probe =
      'for d in / /opt/firebreak /etc/firebreak /var /usr /var/lib/firebreak /var/cache/firebreak; do touch $d/probe 2>/dev/null && echo $d; done; rm -f /var/lib/firebreak/probe';
    // As root, and in the view of the service: only the mounts protect the files then.
    const output = run('nsenter', ['--target', String(machine.main), '--mount', '--root', 'sh', '-c', probe]);
    if (output !== '/var/lib/firebreak\n/var/cache/firebreak') throw new Error(`writable: ${output}`);
  });
  const limit = memoryLimit(machine.main);
  if (limit === undefined) checks.omit('its memory limit', 'the machine has no memory controller');
  else {
    await checks.check('the kernel enforces its memory limit', () => {
      if (limit !== MEMORY_MAX) throw new Error(`the limit is ${limit}`);
      return `${limit / 1024 ** 2} MiB`;
    });
  }
  await story.open(checks);
  await checks.check('after kill -9, systemd restarts it, and the incident is still open', async () => {
    process.kill(machine.main, 'SIGKILL');
    await machine.restarted(1);
    await ready();
    await story.isOpen();
  });
  if (limit !== undefined) {
    await checks.check(
      'above its memory limit, it is killed and restarted, and the incident is still open',
      async () => {
        machine.run(`systemctl set-property --runtime firebreak MemoryMax=${TOO_LITTLE_MEMORY}`);
        // With cgroup v1, the kernel does not lower the limit of a group below what it uses.
        machine.run('systemctl kill --signal=KILL firebreak');
        await machine.restarted(3);
        machine.run(`systemctl set-property --runtime firebreak MemoryMax=${MEMORY_MAX}`);
        await ready();
        await story.isOpen();
      },
    );
  }
  await checks.check('systemd kills and restarts a process that does not respond', async () => {
    const script = `mkdir ${DROP_IN} && printf '[Service]\\nWatchdogSec=${SHORT_WATCHDOG}\\n' > ${DROP_IN}/watchdog.conf`;
    machine.run(`${script} && systemctl daemon-reload && systemctl restart firebreak`);
    await ready();
    const before = Number(machine.show('NRestarts'));
    process.kill(machine.main, 'SIGSTOP');
    await machine.restarted(before + 1);
    machine.run(`journalctl --unit=firebreak | grep --quiet 'Watchdog timeout'`);
    machine.run(`rm -r ${DROP_IN} && systemctl daemon-reload`);
    await ready();
    await story.isOpen();
  });
  await checks.check('after the machine boots again, it runs, and the incident is still open', async () => {
    await machine.end();
    machine = boot(at);
    await machine.booted();
    await ready();
    await story.isOpen();
  });
  await checks.check('after an upgrade, the incident continues', async () => {
    machine.run('systemctl stop firebreak');
    if (machine.show('Result') !== 'success') throw new Error(`the stop ended with ${machine.show('Result')}`);
    installVersion(at, currentVersion(root), upgrade);
    machine.run(
      'firebreak check --config /etc/firebreak/config --runbooks /etc/firebreak/runbooks && systemctl start firebreak',
    );
    await ready();
    const version = await story.version();
    if (version !== currentVersion(root)) throw new Error(`${version} runs`);
    await story.isOpen();
    await story.resolve();
    return `${PREVIOUS} (the same source) to ${version}, and the incident is resolved`;
  });
  await checks.check('the open incidents in the data of a released version continue, and get resolved', async () => {
    machine.run('systemctl stop firebreak && rm -rf /var/lib/firebreak && install -d -m 700 /var/lib/firebreak');
    const config = join(at, SETTINGS, 'config');
    const to = { data: join(at, 'var/lib/firebreak'), config, configSeen: `/${SETTINGS}/config` };
    const { version, variables } = await restoreReleased(root, to);
    writeFileSync(join(at, SETTINGS, 'firebreak.env'), `${variables.join('\n')}\n`, { flag: 'a' });
    machine.run('chown -R firebreak: /var/lib/firebreak && systemctl start firebreak');
    await ready();
    await resolveReleased(root, `http://127.0.0.1:${port}`);
    return version;
  });
}

stopWithParent();
await checks.all(async (folder) => {
  let machine: Machine | undefined;
  try {
    await checkUnit(folder, (at) => (machine = new Machine(at)));
  } finally {
    await machine?.end();
  }
});
