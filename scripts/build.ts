/**
 * `npm run build`: bundles the product into `dist/`, which needs nothing else but Node. The same sources give the same
 * files. Files that have not changed are not written, so that a program that runs from `dist/` is not disturbed.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build as bundle, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { traceSources } from '../local/source-traces.ts';
import manifest from '../package.json' with { type: 'json' };

const ROOT = resolve(import.meta.dirname, '..');

/** What Node starts, by its name in `dist/`: programs and threads. */
const STARTED = {
  main: 'local/main.ts',
  cli: 'entrances/cli/main.ts',
  sandbox: 'packages/sandbox/main.ts',
  background: 'local/background/worker.ts',
  stalls: 'local/stalls/worker.ts',
  writer: 'platforms/sqlite/writer.ts',
};

/** With a module that the sandbox names to a thread. */
const ENTRIES = {
  ...STARTED,
  'sandbox-settings': 'packages/sandbox/settings.ts',
};

/** Files that the product reads, at the same place below `dist/`. */
const READ: readonly [folder: string, isRead: RegExp][] = [
  ['config', /./],
  ['docs', /\.md$/],
  ['node_modules/uplot', /^dist\/uPlot\.iife\.min\.js$/],
  ['packages/sandbox', /^services\.yaml$/],
  ['packages/sandbox/page', /./],
  ['runbooks', /\.md$/],
  ['scripts/node', /^package(-lock)?\.json$/],
  ['.', /^LICENSE$/],
];

/** What is kept of a bundled package: what it is, and its license. Scanners of images find it by that. */
const ABOUT = /^(package\.json|(licen[cs]e|notice|copying)\b.*)$/i;

/** The command line, for a shell: on the Node that is installed with Firebreak, or that of the machine. */
const LAUNCHER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
node=$here/scripts/node/node_modules/.bin/node
if ! [ -x "$node" ]; then
  node=node
  node -e 'process.exit(parseInt(process.versions.node) < 24 ? 1 : 0)' || {
    echo "firebreak: Node 24 or newer is needed: npm ci --prefix $here/scripts/node" >&2
    exit 1
  }
fi
exec "$node" "$here/cli.mjs" "$@"
`;

/** The options with which SST bundles a Lambda function, too. Some packages still call `require`, so it has this banner. */
export const BUNDLE = {
  absWorkingDir: ROOT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: {
    js: `import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from 'url';
const __filename = topLevelFileUrlToPath(import.meta.url);
const __dirname = topLevelFileUrlToPath(new topLevelURL('.', import.meta.url));`,
  },
} satisfies BuildOptions;

/** Begins each program and thread. On the first line of the entry, so that its lines keep their numbers. */
const BEGIN = `import { ${traceSources.name} } from '${ROOT}/local/source-traces.ts'; ${traceSources.name}();`;

/**
 * Lets a bundled module find files and threads as its source does: the address of `a/b.ts` becomes `dist/a/b.ts`, that of
 * an entry its bundle.
 */
const places: Plugin = {
  name: 'places',
  setup({ onLoad }) {
    const names = new Map(Object.entries(ENTRIES).map(([name, file]) => [file, name]));
    const started = new Set(Object.values(STARTED));
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const file = relative(ROOT, path);
      const text = readFileSync(path, 'utf8');
      const isEntry = names.has(file);
      if (file.includes('node_modules/') || !(isEntry || text.includes('import.meta'))) return undefined;
      const contents = `${started.has(file) ? BEGIN : ''}${text}`
        .replaceAll(/new URL\('(\.[^']*\.ts)', import\.meta\.url\)/g, (_, module: string) => {
          const name = names.get(join(dirname(file), module));
          if (name === undefined) throw new Error(`${file} loads ${module}, which is no entry of scripts/build.ts`);
          return `new URL('./${name}.mjs', import.meta.own)`;
        })
        .replaceAll('import.meta.url', `new URL('./${file}', import.meta.own).href`)
        .replaceAll('import.meta.dirname', `(import.meta.dirname + '/${dirname(file)}')`)
        .replaceAll('import.meta.own', 'import.meta.url');
      return { contents, loader: 'ts' };
    });
  },
};

const DIST = join(ROOT, 'dist');

/** Bundles the product into a folder. @throws Error if a part of it would fail when it is loaded */
export async function build(folder = DIST): Promise<void> {
  const { metafile, outputFiles } = await bundle({
    ...BUNDLE,
    entryPoints: Object.entries(ENTRIES).map(([out, file]) => ({ in: file, out })),
    outdir: DIST, // paths are in the maps, and so in the hashes of the names
    chunkNames: 'chunk-[hash]',
    sourcemap: 'linked',
    sourcesContent: false,
    lineLimit: 200, // Node prints the line of the error that ends a program
    plugins: [places],
    logLevel: 'warning',
    metafile: true,
    write: false,
  });
  const wrong = namedImports(metafile);
  if (wrong.length > 0) throw new Error(`a bundle has only the default of a CommonJS module:\n${wrong.join('\n')}`);
  const files = new Map<string, Uint8Array>();
  for (const { path, contents } of outputFiles)
    files.set(relative(DIST, path), path.endsWith('.map') ? placed(contents) : contents);
  for (const [from, isRead] of READ)
    for (const name of readdirSync(join(ROOT, from), { recursive: from !== '.', encoding: 'utf8' }))
      if (isRead.test(name) && statSync(join(ROOT, from, name)).isFile())
        files.set(join(from, name), readFileSync(join(ROOT, from, name)));
  for (const path of ['node_modules/uplot', ...packagesIn(metafile)]) {
    const place = path.replace(/^.*?(?=node_modules\/)/, ''); // node_modules can be a link to a folder elsewhere
    for (const name of readdirSync(join(ROOT, path)))
      if (ABOUT.test(name)) files.set(join(place, name), readFileSync(join(ROOT, path, name)));
  }
  files.set('package.json', Buffer.from(`${JSON.stringify(manifest, ['name', 'version', 'license', 'type'], 2)}\n`));
  files.set('firebreak', Buffer.from(LAUNCHER));
  const isEntry = ([name]: [string, Uint8Array]): boolean => name.replace(/\.mjs$/, '') in ENTRIES;
  const all = [...files];
  // An entry is written after what it imports.
  for (const [name, contents] of [...all.filter((file) => !isEntry(file)), ...all.filter(isEntry)])
    writeIfChanged(folder, name, contents);
  chmodSync(join(folder, 'firebreak'), 0o755);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (!files.has(name) && statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
      rmSync(join(folder, name), { force: true }); // another build may remove it at the same time
}

/** Returns the imports on demand that take names of a CommonJS module: esbuild gives them only its default. */
export const namedImports = ({ inputs }: Metafile): string[] =>
  Object.entries(inputs).flatMap(([file, { imports }]) => {
    const onDemand = imports.filter(({ kind, path }) => kind === 'dynamic-import' && inputs[path]?.format === 'cjs');
    const text = onDemand.length > 0 ? readFileSync(join(ROOT, file), 'utf8') : '';
    return [...new Set(onDemand.map(({ original = '' }) => original))].flatMap((module) => {
      const call = `import\\(\\s*['"]${RegExp.escape(module)}['"]`;
      const count = (pattern: string): number => [...text.matchAll(new RegExp(pattern, 'g'))].length;
      const isRight = count(`\\{ default: \\w+ \\} = await ${call}`) === Math.max(1, count(call));
      return isRight ? [] : [`${file}: import('${module}')`];
    });
  });

/** Returns the folders of the packages that are bundled. */
const packagesIn = ({ inputs }: Metafile): Set<string> =>
  new Set(Object.keys(inputs).flatMap((file) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));

/** Names the sources of a map as `places` does: `dist/a/b.ts`, wherever `dist/` is installed. */
function placed(map: Uint8Array): Uint8Array {
  const { sources, ...rest } = JSON.parse(Buffer.from(map).toString()) as { sources: string[] };
  return Buffer.from(JSON.stringify({ ...rest, sources: sources.map((source) => source.replace(/^(\.\.\/)+/, '')) }));
}

/** Writes a file at once: a program that starts meanwhile reads the old or the new one. */
function writeIfChanged(folder: string, name: string, contents: Uint8Array): void {
  const path = join(folder, name);
  if (statSync(path, { throwIfNoEntry: false })?.size === contents.length && readFileSync(path).equals(contents))
    return;
  mkdirSync(dirname(path), { recursive: true });
  const draft = join(dirname(folder), `.build-${process.pid}`); // beside the folder, which other builds clean
  writeFileSync(draft, contents);
  renameSync(draft, path);
}

if (process.argv[1] === import.meta.filename) await build();
