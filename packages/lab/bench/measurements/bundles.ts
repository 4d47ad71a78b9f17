import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
import { FUNCTION_NAMES, type FunctionName } from '../../../../functions/assembly/functions.ts';
import { BUNDLE } from '../../../../scripts/lambda-bundle.ts';
import type { Bench } from '../harness/part.ts';
import { median } from '../harness/statistics.ts';
import { figure, type Measured, ratioAtMost, valueAtMost } from '../results.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const ROUNDS = 7;
const INIT_RATIO = 1.5;
const SIZE_MAX_MB = 2;

/** The function that uses the AWS clients of Lambda's runtime (platforms/aws/infra/functions.ts). */
const OF_THE_RUNTIME: Partial<Record<FunctionName, string[]>> = { slack: ['@aws-sdk/*', '@smithy/*'] };

/**
 * Measures the bundle of each Lambda function as it is deployed: the size of what a cold start reads, the size of all its
 * files, and the time to import it in a new process. The reference is a handler that creates the same AWS clients, and
 * nothing else.
 */
export async function* measureBundles({ folder, isShort }: Bench): AsyncIterable<Measured> {
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules')); // the runtime's own packages
  for (const name of isShort ? FUNCTION_NAMES.slice(0, 2) : FUNCTION_NAMES) {
    const external = OF_THE_RUNTIME[name] ?? [];
    const own = await bundled(join(ROOT, 'functions', `${name}.ts`), join(folder, name), external);
    const entry = join(folder, name, 'minimal-entry.mjs');
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(entry, await minimal(clientsIn(own)));
    const bare = await bundled(entry, join(folder, name, 'minimal'), external);
    const [ownMs, bareMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < (isShort ? 1 : ROUNDS); round += 1) {
      ownMs.push(await importMillis(own.file));
      bareMs.push(await importMillis(bare.file));
    }
    yield figure(`bundle ${name}, init, ms`, median(ownMs), median(bareMs), [ratioAtMost(INIT_RATIO)]);
    yield figure(`bundle ${name}, size, MB`, megabytes(own, atStart(own)), null, [valueAtMost(SIZE_MAX_MB)], 2);
    yield figure(`bundle ${name}, with what is loaded on demand, MB`, megabytes(own), null, [], 2);
  }
}

/** `entry`: the key of the file among the outputs. */
type Bundle = { file: string; entry: string; metafile: Metafile };

/** Builds a bundle with the options of SST. */
async function bundled(entry: string, folder: string, external: string[]): Promise<Bundle> {
  const { metafile } = await build({
    ...BUNDLE,
    entryPoints: [entry],
    outdir: folder,
    external,
    logLevel: 'silent',
    metafile: true,
    nodePaths: [join(ROOT, 'node_modules')],
  });
  const first = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === relative(ROOT, entry));
  if (first === undefined) throw new Error(`no bundle of ${entry}`);
  return { file: join(ROOT, first[0]), entry: first[0], metafile };
}

/** Returns the files of a bundle that its import reads: not those that are imported on demand. */
function atStart({ entry, metafile: { outputs } }: Bundle): string[] {
  const read = new Set([entry]);
  for (const file of read)
    for (const { kind, path } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && path in outputs) read.add(path);
  return [...read];
}

const megabytes = ({ metafile: { outputs } }: Bundle, files = Object.keys(outputs)): number =>
  files.reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0) / 1e6;

/** Returns the packages of AWS clients that a cold start loads, from the bundle or from the runtime. */
function clientsIn(bundle: Bundle): string[] {
  const { inputs, outputs } = bundle.metafile;
  const read = atStart(bundle).flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
  const paths = read.flatMap((path) => [path, ...staticImports(inputs[path])]);
  return [...new Set(paths.flatMap((path) => /@aws-sdk\/client-[a-z0-9-]+/.exec(path)?.[0] ?? []))].toSorted();
}

const staticImports = (input: Metafile['inputs'][string] | undefined): string[] =>
  (input?.imports ?? []).flatMap(({ kind, path }) => (kind === 'dynamic-import' ? [] : [path]));

/** Returns a handler that creates these clients. */
async function minimal(packages: readonly string[]): Promise<string> {
  const classes = await Promise.all(packages.map(async (name) => [await clientOf(name), name] as const));
  return [
    ...classes.map(([client, name]) => `import { ${client} } from '${name}';`),
    `const clients = [${classes.map(([client]) => `new ${client}({ region: 'eu-central-1' })`).join(', ')}];`,
    `export const handler = async () => clients.length;`,
  ].join('\n');
}

/** Returns the name of the client's class in a package. */
async function clientOf(name: string): Promise<string> {
  const all = Object.keys((await import(name)) as object);
  const client = all.find((each) => /^[A-Z]\w*Client$/.test(each));
  if (client === undefined) throw new Error(`${name} has no client`);
  return client;
}

/** Returns the milliseconds of the import in a new process. */
async function importMillis(file: string): Promise<number> {
  const code = `
    const began = performance.now();
    await import(${JSON.stringify(pathToFileURL(file).href)});
    process.stdout.write(String(performance.now() - began), () => process.exit(0));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    env: { AWS_LAMBDA_FUNCTION_NAME: 'bench', AWS_REGION: 'eu-central-1' },
  });
  return Number(stdout);
}
