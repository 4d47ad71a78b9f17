/**
 * `npm run build`: bundles the product into `dist/`, which needs nothing else but Node. The same sources give the same
 * files. Files that have not changed are not written, so that a program that runs from `dist/` is not disturbed.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type ChunkingContext, type Plugin, rolldown } from 'rolldown';
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

/** Begins each program and thread. On the first line of the entry, so that its lines keep their numbers. */
const BEGIN = `import { ${traceSources.name} } from '${ROOT}/local/source-traces.ts'; ${traceSources.name}();`;

const FILE_OF = new Map(Object.entries(ENTRIES).map(([name, file]) => [file, name]));

/**
 * Lets a bundled module find files and threads as its source does: the address of `a/b.ts` becomes `dist/a/b.ts`, that of
 * an entry its bundle.
 */
const places: Plugin = {
  name: 'places',
  load: {
    filter: { id: { include: /\.ts$/, exclude: /node_modules/ } },
    handler(path) {
      const file = relative(ROOT, path);
      const text = readFileSync(path, 'utf8');
      if (!(FILE_OF.has(file) || text.includes('import.meta'))) return null;
      const begin = Object.values(STARTED).includes(file) ? BEGIN : '';
      const code = `${begin}${text}`
        .replaceAll(/new URL\('(\.[^']*\.ts)', import\.meta\.url\)/g, (_, module: string) => {
          const name = FILE_OF.get(join(dirname(file), module));
          if (name === undefined) throw new Error(`${file} loads ${module}, which is no entry of scripts/build.ts`);
          return `new URL('./${name}.mjs', import.meta.own)`;
        })
        .replaceAll('import.meta.url', `new URL('./${file}', import.meta.own).href`)
        .replaceAll('import.meta.dirname', `(import.meta.dirname + '/${dirname(file)}')`)
        .replaceAll('import.meta.own', 'import.meta.url');
      return { code, moduleType: 'ts' };
    },
  },
};

/** Leaves out the languages of zod's texts, which a package that takes zod as one object would bundle. */
const english: Plugin = {
  name: 'english',
  load: {
    filter: { id: /\/zod\/v4\/locales\/index\.js$/ },
    handler: () => "export { default as en } from './en.js';",
  },
};

/** A module that waits while it is loaded, for other modules. */
const AWAITS = /^(?:(?:export )?(?:const|let) .*= )?await /m;

/** The programs and threads that load a module. */
type Loaders = { atStart: string[]; onDemand: string[] };

/**
 * Puts what the same programs and threads load at their start into one file: each file costs half a millisecond. What others
 * load on demand is in another file, so that they load no more than that. Not what waits for other modules while it is
 * loaded, and what imports that: those modules would wait for their own file.
 */
class Starts {
  readonly #loaders = new Map<string, Loaders>();

  constructor(modules: ChunkingContext) {
    for (const [name, file] of Object.entries(ENTRIES)) {
      const entry = [join(ROOT, file)];
      const atStart = reachable(entry, (id) => modules.getModuleInfo(id)?.importedIds);
      const all = reachable(entry, (id) => {
        const { importedIds = [], dynamicallyImportedIds = [] } = modules.getModuleInfo(id) ?? {};
        return [...importedIds, ...dynamicallyImportedIds];
      });
      for (const id of all) {
        const loaders = this.#loaders.get(id) ?? { atStart: [], onDemand: [] };
        loaders[atStart.has(id) ? 'atStart' : 'onDemand'].push(name);
        this.#loaders.set(id, loaders);
      }
    }
    const waiting = [...this.#loaders.keys()].filter((id) => AWAITS.test(modules.getModuleInfo(id)?.code ?? ''));
    for (const id of reachable(waiting, (each) => modules.getModuleInfo(each)?.importers)) this.#loaders.delete(id);
  }

  /** Returns the name of a module's file; `null` if only one program or thread loads it at its start. */
  nameOf(id: string): string | null {
    const { atStart, onDemand } = this.#loaders.get(id) ?? { atStart: [], onDemand: [] };
    return atStart.length < 2 ? null : `start-${atStart.join('-')}-later-${onDemand.join('-')}`;
  }
}

function reachable(from: readonly string[], next: (id: string) => readonly string[] | undefined): Set<string> {
  const found = new Set(from);
  for (const id of found) for (const each of next(id) ?? []) found.add(each);
  return found;
}

const DIST = join(ROOT, 'dist');

/** Bundles the product into a folder. @throws Error if a part of it would fail when it is loaded */
export async function build(folder = DIST): Promise<void> {
  const bundle = await rolldown({
    cwd: ROOT,
    input: ENTRIES,
    platform: 'node',
    transform: { target: 'node24' },
    plugins: [places, english],
    preserveEntrySignatures: 'allow-extension',
    checks: { ineffectiveDynamicImport: false }, // one thread imports on demand what another one has at its start
  });
  let starts: Starts | undefined;
  const { output } = await bundle.generate({
    dir: DIST, // paths are in the maps, and so in the hashes of the names
    entryFileNames: '[name].mjs',
    chunkFileNames: 'chunk-[hash].mjs',
    charset: 'ascii', // with a single other character, V8 stores the whole file with two bytes a character
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcemapExcludeSources: true,
    sourcemapPathTransform: (path) => path.replace(/^(\.\.\/)+/, ''), // as `places` does, wherever `dist/` is installed
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: (id, context) => (starts ??= new Starts(context)).nameOf(id), debugName: 'starts' }],
    },
  });
  await bundle.close();
  const files = new Map<string, Uint8Array>();
  const modules: string[] = [];
  for (const file of output) {
    files.set(file.fileName, Buffer.from(file.type === 'chunk' ? file.code : file.source));
    if (file.type === 'chunk') modules.push(...file.moduleIds);
  }
  for (const [from, isRead] of READ)
    for (const name of readdirSync(join(ROOT, from), { recursive: from !== '.', encoding: 'utf8' }))
      if (isRead.test(name) && statSync(join(ROOT, from, name)).isFile())
        files.set(join(from, name), readFileSync(join(ROOT, from, name)));
  for (const path of ['node_modules/uplot', ...packagesIn(modules)]) {
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

/** Returns the folders of the packages that are bundled. */
const packagesIn = (modules: readonly string[]): Set<string> =>
  new Set(modules.flatMap((id) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(relative(ROOT, id)) ?? []));

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
