import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, sep } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

/** Defines the globals that CommonJS modules inside the bundle expect. */
const BANNER = `import { createRequire as topLevelCreateRequire } from 'node:module';
import { fileURLToPath as topLevelFileUrlToPath } from 'node:url';
import { dirname as topLevelDirname } from 'node:path';
const require = topLevelCreateRequire(import.meta.url);
const __filename = topLevelFileUrlToPath(import.meta.url);
const __dirname = topLevelDirname(__filename);
`;

/** Packages that are not bundled but loaded from the platform at run time, so that the mocks share the same instance. */
const EXTERNAL = [
  '@pulumi/*',
  '@pulumiverse/*',
  '@sst-provider/*',
  '@aws-sdk/*',
  'undici',
  'esbuild',
  'archiver',
  'glob',
  'vite',
];

/**
 * Bundles code that imports `sst.config.ts`, as `sst` does before it runs it.
 *
 * @param globals code that precedes each file of the project, for the names that SST gives to it
 * @throws Error when the code does not bundle, or `sst.config.ts` has an import at its top level, which SST refuses
 */
export async function bundleConfig(options: {
  platform: string;
  root: string;
  outfile: string;
  code: string;
  globals?: string;
  banner?: string;
  define?: Record<string, string>;
  inject?: string[];
}): Promise<void> {
  const { platform, root, outfile, code, globals, banner = '', define = {}, inject = [] } = options;
  const require = createRequire(join(platform, 'package.json'));
  const { build } = require('esbuild') as { build(options: BuildOptions): Promise<unknown> };
  await build({
    stdin: { contents: code, resolveDir: root, sourcefile: 'entry.ts', loader: 'ts' },
    banner: { js: BANNER + banner },
    bundle: true,
    outfile,
    absWorkingDir: root,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    mainFields: ['module', 'main'],
    nodePaths: [join(platform, 'node_modules')],
    external: EXTERNAL,
    define,
    inject,
    sourcemap: 'inline',
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { target: 'ES2022', useDefineForClassFields: true } },
    plugins: [globals === undefined ? refuseTopLevelImports : projectGlobals(platform, globals)],
  });
}

const refuseTopLevelImports: Plugin = {
  name: 'refuse-top-level-imports',
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ importer, kind }) =>
      basename(importer) === 'sst.config.ts' && kind === 'import-statement'
        ? { errors: [{ text: 'SST refuses imports at the top level of sst.config.ts; import inside run()' }] }
        : undefined,
    );
  },
};

/** Physical names end in random characters; here they follow from the logical name, so that runs can be compared. */
const RANDOM_SUFFIX = 'crypto.randomBytes(8).toString("hex")';
const FIXED_SUFFIX = 'crypto.createHash("sha256").update(name).digest("hex").slice(0, 16)';

const projectGlobals = (platform: string, globals: string): Plugin => ({
  name: 'project-globals',
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
      const text = () => readFileSync(path, 'utf8');
      const loader = extname(path).endsWith('ts') ? 'ts' : 'js';
      if (path === join(platform, 'src/components/naming.ts')) {
        return { contents: text().replace(RANDOM_SUFFIX, FIXED_SUFFIX), loader, resolveDir: dirname(path) };
      }
      if (path.startsWith(platform + sep) || path.includes(`${sep}node_modules${sep}`)) return undefined;
      return { contents: `${globals}\n${text()}`, loader, resolveDir: dirname(path) };
    });
  },
});
