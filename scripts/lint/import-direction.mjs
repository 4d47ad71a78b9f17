import { readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { defineRule } from '@oxlint/plugins';

/** @import { ESTree } from '@oxlint/plugins' */

/**
 * Permitted imports of a folder: `folders` of this project, npm `packages` (absent: any), and Node built-ins.
 *
 * @typedef {{ folders: readonly string[], packages?: readonly string[], node: boolean }} Layer
 */

/**
 * What is configured for rollback targets, `vendors/<vendor>/schema.ts`, its list, and the format of alerts,
 * `vendors/<vendor>/alert-source.ts`. Part of the schemas of the core.
 */
const VENDOR_SCHEMAS = 'vendors/schemas';

/** What every part of the product may import: data, decisions, stores, workflows, and use cases. */
const CORE = ['schemas', 'core/domain', 'core/stores', 'core/projectors', 'workflows', 'core/actions'];
const ENTRANCES = ['entrances/http', 'entrances/console', 'entrances/slack'];
const PRODUCT = [
  ...CORE,
  'platforms',
  VENDOR_SCHEMAS,
  'vendors',
  ...ENTRANCES,
  'core/jobs',
  'functions/assembly',
  'functions',
];

/** The list of features, and what the core knows of all of them. Their names are part of its schemas. */
const LIST = 'features';

const PACKAGES = ['packages/sandbox', 'packages/demo', 'packages/lab'];

/** Packages for decisions: no I/O in them. */
const PURE = ['zod', 'temporal-polyfill', 'rrule-temporal', '@marcbachmann/cel-js', 'entities'];

/** @type {Readonly<Record<string, Layer>>} */
const LAYERS = {
  schemas: { folders: ['schemas', LIST], packages: ['zod', 'temporal-polyfill', 'rrule-temporal'], node: false },
  [VENDOR_SCHEMAS]: { folders: ['schemas', VENDOR_SCHEMAS], packages: ['zod'], node: false },
  'core/domain': { folders: ['schemas', 'core/domain', LIST], packages: PURE, node: false },
  platforms: { folders: ['platforms'], node: true },
  'core/stores': { folders: ['schemas', 'core/domain', 'platforms', 'core/stores', LIST], node: true },
  'core/projectors': { folders: ['schemas', 'core/domain', 'core/projectors'], packages: ['zod'], node: false },
  workflows: {
    folders: ['schemas', 'core/domain', 'workflows'],
    packages: ['zod', '@aws/durable-execution-sdk-js'],
    node: false,
  },
  'core/actions': { folders: [...CORE, LIST], node: true },
  vendors: { folders: ['schemas', 'core/domain', 'core/projectors', VENDOR_SCHEMAS, 'vendors'], node: true },
  'entrances/http': { folders: [...CORE, 'vendors', 'entrances/http', LIST], node: true },
  'entrances/console': { folders: [...CORE, 'vendors', 'entrances/http', 'entrances/console', LIST], node: true },
  'entrances/slack': { folders: [...CORE, 'vendors', 'entrances/http', 'entrances/slack', LIST], node: true },
  'entrances/cli': { folders: ['schemas', 'core/domain', 'entrances/cli', LIST], node: true },
  'core/jobs': { folders: [...CORE, 'platforms', 'vendors', 'entrances/slack', 'core/jobs', LIST], node: true },
  [LIST]: { folders: [...PRODUCT, 'entrances/cli', LIST], node: false },
  'functions/assembly': { folders: [...PRODUCT.filter((layer) => layer !== 'functions'), LIST], node: true },
  functions: { folders: PRODUCT, node: true },
  local: { folders: [...PRODUCT, 'local', LIST], node: true },
  'packages/sandbox': { folders: ['schemas', 'core/domain', 'packages/sandbox'], node: true },
  'packages/demo': { folders: ['schemas', 'packages/demo'], node: true },
  'packages/lab': { folders: [...PRODUCT, 'packages/lab'], node: true },
  test: {
    folders: [...PRODUCT, 'local', 'entrances/cli', LIST, ...PACKAGES, 'scripts', 'test'],
    node: true,
  },
};

/** The folders, and folders in them, that have a rule. */
export const LAYER_NAMES = Object.keys(LAYERS);

/** What every feature may import: the core, vendors, and the frames of the entrances. */
const OF_FEATURES = [...CORE, 'platforms', VENDOR_SCHEMAS, 'vendors', ...ENTRANCES, 'entrances/cli', 'core/jobs', LIST];

/**
 * A feature imports the core, itself, and the features that it requires. Its folder `decisions` is pure, as the domain of
 * the core is. Its tests import what other tests may, and the same features.
 *
 * @param {string} file e.g. `features/canary/routes.ts` @param {string} root @returns {Layer | undefined}
 */
function layerOf(file, root) {
  const name = layerNameOf(file);
  const feature = featureOf(file);
  const layer = LAYERS[name];
  if (feature === undefined) return layer;
  const own = [feature, ...requiredBy(feature, root)];
  if (name === 'test') return layer && { ...layer, folders: [...layer.folders, ...own] };
  return file.startsWith(`${feature}/decisions/`)
    ? { folders: ['schemas', 'core/domain', ...own], packages: ['zod', 'temporal-polyfill'], node: false }
    : { folders: [...OF_FEATURES, ...own], node: true };
}

/** @type {Map<string, string[]>} */
const required = new Map();

/** @param {string} feature e.g. `features/canary` @param {string} root @returns the folders of the features that its manifest requires */
function requiredBy(feature, root) {
  const found = required.get(feature) ?? requiredIn(manifestOf(feature, root)).map((name) => `${LIST}/${name}`);
  required.set(feature, found);
  return found;
}

/** @param {string} feature @param {string} root @returns the text of its manifest. Empty: it has none */
function manifestOf(feature, root) {
  try {
    return readFileSync(join(root, feature, 'feature.ts'), 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} manifest @returns {string[]} the features that it requires */
export const requiredIn = (manifest) =>
  [...(/^ {2}requires: \[([^\]]*)\]/m.exec(manifest)?.[1] ?? '').matchAll(/'([\w-]+)'/g)].map(([, name = '']) => name);

/** @param {string} file @returns the folder of its feature. Undefined: it is of none */
function featureOf(file) {
  const [top = '', name = '', inside] = file.split('/');
  return top === LIST && inside !== undefined ? `${top}/${name}` : undefined;
}

/** Files, and folders, with additional permitted imports: composition roots. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const ASSEMBLIES = {
  'entrances/cli/bin.mjs': ['local', 'scripts'],
  'entrances/cli/files.ts': ['local', 'core/stores'],
  'entrances/cli/hash.ts': ['core/stores'],
  'packages/demo/main.ts': ['local'],
  'packages/lab/bench/harness/product.ts': ['local', 'scripts'],
  'packages/lab/bench/main.ts': ['scripts'],
  'packages/lab/bench/measurements/bundles.ts': ['scripts'],
  'packages/sandbox/main.ts': ['local'],
  'packages/sandbox/connect.ts': ['local'],
  'packages/sandbox/settings.ts': ['local'],
  'schemas/alerts/sources/index.ts': [VENDOR_SCHEMAS],
  'schemas/rollback/targets.ts': [VENDOR_SCHEMAS],
};

const DIRECTION =
  'schemas, vendors/*/{schema,alert-source}.ts ← core/domain, platforms ← core/stores, core/projectors, workflows, vendors ← core/actions ← entrances ← core/jobs ← functions/assembly ← functions ← local ← packages';

/**
 * Returns the layer of a file. The tests of a package or feature are in it, and may import what other tests may.
 *
 * @param {string} file e.g. `core/stores/incidents/inbox.ts` @returns e.g. `core/stores`
 */
const layerNameOf = (file) => {
  const [top = '', name = '', inside = ''] = file.split('/');
  switch (top) {
    case LIST:
    case 'packages':
      if (inside === '') return top;
      return inside === 'test' ? 'test' : `${top}/${name}`;
    case 'vendors':
      return inside === 'schema.ts' || inside === 'alert-source.ts' || name === 'targets.ts' ? VENDOR_SCHEMAS : top;
    case 'core':
    case 'entrances':
      return `${top}/${name}`;
    case 'functions':
      return LAYERS[`${top}/${name}`] ? `${top}/${name}` : top;
    default:
      return top;
  }
};

/** @param {readonly string[]} files @returns {string[]} the folders and files of the tables above that no file is in */
export const unusedPlaces = (files) => {
  const layers = new Set(files.map(layerNameOf));
  return [
    ...Object.keys(LAYERS).filter((layer) => !layers.has(layer)),
    ...Object.keys(ASSEMBLIES).filter((file) => !files.includes(file)),
  ];
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
    const folder = layerNameOf(file);
    const layer = layerOf(file, context.cwd);
    if (!layer || !file.includes('/')) return {};

    /** @param {string} specifier @param {boolean} isLazy whether a call loads it @returns {string | undefined} the reason why it is forbidden */
    const fault = (specifier, isLazy) => {
      if (specifier.startsWith('node:')) {
        return layer.node ? undefined : `${folder}/ is pure: it may not import ${specifier}`;
      }
      if (!specifier.startsWith('.')) {
        if (!layer.packages || layer.packages.includes(packageOf(specifier))) return undefined;
        return `${folder}/ may import no package but ${layer.packages.join(' and ')}, not ${specifier}`;
      }
      const target = posix.join(posix.dirname(file), specifier);
      const into = layerNameOf(target);
      if (!target.includes('/') || into === '..') return undefined; // a file at the root, such as package.json
      if (file === 'features/index.ts' && target === `${into}/feature.ts`) return undefined;
      if (file === 'features/names.ts' && target === `${into}/names.ts`) return undefined;
      if (file === 'features/verbs.ts' && target === `${into}/slack/verbs.ts`) return undefined;
      if (isLazy && file === 'vendors/targets.ts' && /^vendors\/[\w-]+\/target\.ts$/.test(target)) return undefined;
      if (layer.folders.includes(into) || (ASSEMBLIES[file] ?? ASSEMBLIES[posix.dirname(file)])?.includes(into))
        return undefined;
      return `${file} may not import ${into}/: ${folder}/ sees only ${layer.folders.join(', ')} (${DIRECTION})`;
    };

    /** @param {ESTree.Node | null | undefined} source */
    const check = (source) => {
      if (!source) return;
      if (source.type === 'Literal' && typeof source.value === 'string') {
        const message = fault(source.value, source.parent.type === 'ImportExpression');
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
