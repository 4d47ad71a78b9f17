import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { build as bundle } from 'esbuild';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { plotAsset } from '../../entrances/console/assets.ts';
import { FUNCTION_NAMES } from '../../functions/assembly/functions.ts';
import manifest from '../../package.json' with { type: 'json' };
import { build } from '../../scripts/build.ts';
import { copyOf } from '../../scripts/copy.ts';
import { BUNDLE, namedImports } from '../../scripts/lambda-bundle.ts';
import { PRODUCT_OPTIONS } from '../../scripts/setup.mjs';

const ROOT = resolve(import.meta.dirname, '../..');

/** Returns the files of a folder, each with its content. */
async function filesIn(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) => [path.slice(folder.length), await readFile(path, 'base64')] as const;
  return new Map(await Promise.all(paths.toSorted().map(read)));
}

const namesIn = async (folder: string): Promise<string[]> => [...(await filesIn(folder)).keys()];

describe('dist/', () => {
  let folder: string;
  let installed: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firebreak-build-'));
    installed = join(folder, 'installed');
    await cp(join(ROOT, 'dist'), installed, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  test('is the same after another build', async () => {
    await build(join(folder, 'again'));
    expect(await filesIn(join(folder, 'again'))).toEqual(await filesIn(join(ROOT, 'dist')));
  });

  test('has the same licenses if the packages are in a folder elsewhere', async () => {
    const copy = copyOf(ROOT, 'build', (file) => !/^(test|docs\/pictures)\//.test(file));
    onTestFinished(() => rm(copy, { recursive: true }));
    expect(spawnSync(process.execPath, ['scripts/build.ts'], { cwd: copy, encoding: 'utf8' }).stderr).toBe('');
    expect(await namesIn(join(copy, 'dist/node_modules'))).toEqual(await namesIn(join(ROOT, 'dist/node_modules')));
  });

  test('needs nothing else: the product starts, and the console has its documentation and plots', async () => {
    const env = { HOME: folder, PATH: '/usr/bin:/bin', PORT: '0', FIREBREAK_DATA_DIR: join(folder, 'data') };
    const child = spawn(process.execPath, [...PRODUCT_OPTIONS, 'main.mjs'], {
      cwd: installed,
      env: { ...env, FIREBREAK_ADMIN_TOKEN: 'admin', FIREBREAK_INGEST_TOKEN: 'ingest' },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    try {
      const [, url = ''] =
        (await lineOf(createInterface({ input: child.stdout as Readable }), /^firebreak ready on (\S+)/)) ?? [];
      const headers = { authorization: 'Bearer admin' };
      const page = async (path: string) => (await fetch(url + path, { headers })).text();
      expect(await page('/console/docs/index')).toContain('Documentation');
      expect(await page('/metrics')).toContain(`version="${manifest.version}"`);
      expect(await page(plotAsset().path)).toBe(plotAsset().text);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('its command line runs', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['cli.mjs', ...args], { cwd: installed, encoding: 'utf8' }).stdout;
    expect(run('--version')).toContain(manifest.version);
    expect(run('check')).toContain(': OK');
  });

  test('an error that ends a program or a thread names the lines of the sources', async () => {
    const source = 'platforms/sqlite/writer.ts';
    const lines = (await readFile(join(ROOT, source), 'utf8')).split('\n');
    const failing = lines.findIndex((line) => line.includes('= workerData')) + 1; // outside of a thread, there are none
    const { stderr } = spawnSync(process.execPath, ['writer.mjs'], { cwd: installed, encoding: 'utf8' });
    expect(stderr).toContain(`/${source}:${failing}:`);
    expect(stderr.length, 'and not the bundle').toBeLessThan(2000);
  });

  test('the files that the background thread can load have nothing that only the main thread loads', async () => {
    const files = new Set(['background.mjs']);
    const sources = new Set<string>();
    for (const name of files) {
      const code = await readFile(join(installed, name), 'utf8');
      for (const [, imported = ''] of code.matchAll(/\b(?:from|import) ?\(?[`"']\.\/([\w-]+\.mjs)[`"']/g))
        files.add(imported);
      if (!existsSync(join(installed, `${name}.map`))) continue; // helpers of the bundler
      const map = JSON.parse(await readFile(join(installed, `${name}.map`), 'utf8')) as { sources: string[] };
      for (const source of map.sources) sources.add(source);
    }
    expect(sources).toContain('core/jobs/sweep/sweep.ts');
    expect(sources).toContain('features/freeze/actions/evaluate.ts'); // on demand
    expect(sources).not.toContain('local/front/front.ts');
  });

  test('its source maps name files of the sources', async () => {
    const maps = (await readdir(installed)).filter((name) => name.endsWith('.map'));
    const sources = new Set<string>();
    for (const name of maps)
      for (const source of (JSON.parse(await readFile(join(installed, name), 'utf8')) as { sources: string[] }).sources)
        sources.add(source);
    expect(sources).toContain('local/run.ts');
    const own = [...sources].filter((source) => !source.startsWith('node_modules/')); // packages have maps of their own
    expect(own.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
  });
});

test('functions take only the default of CommonJS modules that they import on demand', async () => {
  const { metafile } = await bundle({
    ...BUNDLE,
    entryPoints: FUNCTION_NAMES.map((name) => `functions/${name}.ts`),
    outdir: 'functions',
    metafile: true,
    write: false,
  });
  expect(namedImports(metafile)).toEqual([]);
});

test('names of a CommonJS module that are imported on demand are found: a bundle has only its default', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-build-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const wrong = "const { WebClient } = await import('@slack/web-api');";
  const right = "const { default: slack } = await import('@slack/web-api');";
  await writeFile(join(folder, 'entry.ts'), `${wrong}\n${right}\nconsole.log(WebClient, slack);\n`);
  const { metafile } = await bundle({
    ...BUNDLE,
    entryPoints: [join(folder, 'entry.ts')],
    outdir: folder,
    nodePaths: [join(ROOT, 'node_modules')],
    metafile: true,
    write: false,
  });
  expect(namedImports(metafile)).toEqual([`${relative(ROOT, join(folder, 'entry.ts'))}: import('@slack/web-api')`]);
});

async function lineOf(lines: AsyncIterable<string>, pattern: RegExp): Promise<RegExpExecArray | undefined> {
  for await (const line of lines) {
    const found = pattern.exec(line);
    if (found !== null) return found;
  }
  return undefined;
}
