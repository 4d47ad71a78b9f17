import { posix, relative, sep } from 'node:path';
import { defineRule } from '@oxlint/plugins';

/** @import { ESTree } from '@oxlint/plugins' */

/**
 * Permitted imports of a folder: `folders` of this project, npm `packages` (absent: any), and Node built-ins.
 *
 * @typedef {{ folders: readonly string[], packages?: readonly string[], node: boolean }} Layer
 */

const ADAPTERS = ['integrations', 'stores', 'workflows', 'projectors'];
const PRODUCT = [
  'schemas',
  'domain',
  'platforms',
  ...ADAPTERS,
  'actions',
  'http',
  'slack',
  'jobs',
  'aws',
  'assembly',
  'functions',
];

/** The list of features, and what the core knows of all of them. Their names are part of its schemas. */
const LIST = 'features';

const PACKAGES = ['packages/sandbox', 'packages/demo', 'packages/lab'];

/** @type {Readonly<Record<string, Layer>>} */
const LAYERS = {
  schemas: { folders: ['schemas', LIST], packages: ['zod', 'temporal-polyfill', 'rrule-temporal'], node: false },
  domain: {
    folders: ['schemas', 'domain', LIST],
    packages: ['zod', 'temporal-polyfill', 'rrule-temporal', '@marcbachmann/cel-js'],
    node: false,
  },
  platforms: { folders: ['platforms'], node: true },
  integrations: { folders: ['schemas', 'domain', 'integrations'], node: true },
  stores: { folders: ['schemas', 'domain', 'platforms', 'stores', LIST], node: true },
  workflows: {
    folders: ['schemas', 'domain', 'workflows'],
    packages: ['zod', '@aws/durable-execution-sdk-js'],
    node: false,
  },
  projectors: { folders: ['schemas', 'domain', 'projectors'], packages: ['zod'], node: false },
  actions: { folders: ['schemas', 'domain', 'integrations', 'stores', 'workflows', 'actions', LIST], node: true },
  http: { folders: ['schemas', 'domain', 'integrations', 'stores', 'workflows', 'actions', 'http', LIST], node: true },
  slack: { folders: ['schemas', 'domain', 'integrations', 'stores', 'actions', 'http', 'slack', LIST], node: true },
  jobs: { folders: ['schemas', 'domain', 'platforms', ...ADAPTERS, 'actions', 'slack', 'jobs', LIST], node: true },
  [LIST]: { folders: [...PRODUCT, 'cli', LIST], node: false },
  assembly: { folders: [...PRODUCT.filter((folder) => folder !== 'functions'), LIST], node: true },
  functions: { folders: PRODUCT, node: true },
  local: { folders: [...PRODUCT, 'local', LIST], node: true },
  cli: { folders: ['schemas', 'domain', 'cli', LIST], node: true },
  'packages/sandbox': { folders: ['schemas', 'domain', 'packages/sandbox'], node: true },
  'packages/demo': { folders: ['schemas', 'packages/demo'], node: true },
  'packages/lab': { folders: [...PRODUCT, 'packages/lab'], node: true },
  test: {
    folders: [...PRODUCT, 'local', 'cli', LIST, ...PACKAGES, 'scripts', 'test'],
    node: true,
  },
};

/** What every feature may import: the core, and the frames of the entrances. */
const CORE = ['schemas', 'domain', 'platforms', ...ADAPTERS, 'actions', 'http', 'slack', 'jobs', 'cli', LIST];

/**
 * A feature imports the core and itself. Its folder `decisions` is pure, as `domain` is. Its tests import what other tests
 * may, and the feature.
 *
 * @param {string} file e.g. `features/canary/routes.ts` @returns {Layer | undefined}
 */
function layerOf(file) {
  const folder = folderOf(file);
  const feature = featureOf(file);
  const layer = LAYERS[folder];
  if (feature === undefined) return layer;
  if (folder === 'test') return layer && { ...layer, folders: [...layer.folders, feature] };
  return file.startsWith(`${feature}/decisions/`)
    ? { folders: ['schemas', 'domain', feature], packages: ['zod'], node: false }
    : { folders: [...CORE, feature], node: true };
}

/** @param {string} file @returns the folder of its feature. Undefined: it is of none */
function featureOf(file) {
  const [top = '', name = '', inside] = file.split('/');
  return top === LIST && inside !== undefined ? `${top}/${name}` : undefined;
}

/** Files, and folders, with additional permitted imports: composition roots. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const ASSEMBLIES = {
  'cli/bin.mjs': ['local'],
  'cli/files.ts': ['local'],
  'cli/hash.ts': ['stores'],
  'packages/demo/main.ts': ['local'],
  'packages/lab/bench/harness/product.ts': ['local'],
  'packages/sandbox/main.ts': ['local'],
  'packages/sandbox/connect.ts': ['local'],
  'packages/sandbox/settings.ts': ['local'],
};

const DIRECTION =
  'schemas ← domain, platforms ← integrations, stores, workflows, projectors ← actions ← http ← slack ← jobs ← assembly ← functions ← local ← packages/sandbox';

/**
 * The tests of a package or feature are in it, and may import what other tests may.
 *
 * @param {string} file e.g. `packages/demo/stage.ts` @returns its folder, e.g. `packages/demo`
 */
const folderOf = (file) => {
  const [top = '', name = '', inside] = file.split('/');
  if (top === LIST && inside !== undefined) return inside === 'test' ? 'test' : `${top}/${name}`;
  if (top !== 'packages') return top;
  return inside === 'test' ? 'test' : `packages/${name}`;
};

/** @param {string} specifier e.g. `@aws-sdk/client-sqs/dist/x.js` @returns its package, e.g. `@aws-sdk/client-sqs` */
const packageOf = (specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/**
 * Enforces one direction of imports, including type-only imports, because they also couple folders.
 *
 * Files outside the folders above (scripts, tools, configuration at the root) can import anything.
 */
export const importDirection = defineRule({
  create(context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/');
    const folder = folderOf(file);
    const layer = layerOf(file);
    if (!layer || !file.includes('/')) return {};

    /** @param {string} specifier @returns {string | undefined} the reason why it is forbidden */
    const fault = (specifier) => {
      if (specifier.startsWith('node:')) {
        return layer.node ? undefined : `${folder}/ is pure: it may not import ${specifier}`;
      }
      if (!specifier.startsWith('.')) {
        if (!layer.packages || layer.packages.includes(packageOf(specifier))) return undefined;
        return `${folder}/ may import no package but ${layer.packages.join(' and ')}, not ${specifier}`;
      }
      const target = posix.join(posix.dirname(file), specifier);
      const into = folderOf(target);
      if (!target.includes('/') || into === '..') return undefined; // a file at the root, such as package.json
      if (file === 'features/index.ts' && target === `${into}/feature.ts`) return undefined;
      if (file === 'features/names.ts' && target === `${into}/names.ts`) return undefined;
      if (layer.folders.includes(into) || (ASSEMBLIES[file] ?? ASSEMBLIES[posix.dirname(file)])?.includes(into))
        return undefined;
      return `${file} may not import ${into}/: ${folder}/ sees only ${layer.folders.join(', ')} (${DIRECTION})`;
    };

    /** @param {ESTree.Node | null | undefined} source */
    const check = (source) => {
      if (!source) return;
      if (source.type === 'Literal' && typeof source.value === 'string') {
        const message = fault(source.value);
        if (message) context.report({ node: source, message });
      } else if (layer.packages) {
        context.report({ node: source, message: `${folder}/ may only import modules that are named literally` });
      }
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source),
    };
  },
});
