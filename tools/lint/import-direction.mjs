import { posix, relative, sep } from 'node:path';
import { defineRule } from '@oxlint/plugins';

/** @import { ESTree } from '@oxlint/plugins' */

/**
 * Permitted imports of a folder: `folders` of this project, npm `packages` (absent: any), and Node built-ins.
 *
 * @typedef {{ folders: readonly string[], packages?: readonly string[], node: boolean }} Layer
 */

const ADAPTERS = ['integrations', 'aws', 'workflows', 'projectors'];
const PRODUCT = ['schemas', 'domain', ...ADAPTERS, 'actions', 'http', 'slack', 'jobs', 'functions'];

/** @type {Readonly<Record<string, Layer>>} */
const LAYERS = {
  schemas: { folders: ['schemas'], packages: ['zod', 'temporal-polyfill', 'rrule-temporal'], node: false },
  domain: {
    folders: ['schemas', 'domain'],
    packages: ['zod', 'temporal-polyfill', 'rrule-temporal', '@marcbachmann/cel-js'],
    node: false,
  },
  integrations: { folders: ['schemas', 'domain', 'integrations'], node: true },
  aws: { folders: ['schemas', 'domain', 'aws'], node: true },
  workflows: {
    folders: ['schemas', 'domain', 'workflows'],
    packages: ['zod', '@aws/durable-execution-sdk-js'],
    node: false,
  },
  projectors: { folders: ['schemas', 'domain', 'projectors'], packages: ['zod'], node: false },
  actions: { folders: ['schemas', 'domain', 'integrations', 'aws', 'workflows', 'actions'], node: true },
  http: { folders: ['schemas', 'domain', 'integrations', 'aws', 'workflows', 'actions', 'http'], node: true },
  slack: { folders: ['schemas', 'domain', 'integrations', 'aws', 'actions', 'http', 'slack'], node: true },
  jobs: { folders: ['schemas', 'domain', ...ADAPTERS, 'actions', 'slack', 'jobs'], node: true },
  functions: { folders: PRODUCT, node: true },
  sandbox: { folders: ['schemas', 'domain', 'sandbox'], node: true },
  local: { folders: [...PRODUCT, 'sandbox', 'local'], node: true },
  cli: { folders: ['schemas', 'domain', 'cli'], node: true },
  demo: { folders: ['schemas', 'demo'], node: true },
  evaluation: { folders: ['schemas', 'domain', 'evaluation'], node: true },
  bench: { folders: [...PRODUCT, 'evaluation', 'bench'], node: true },
  test: {
    folders: [...PRODUCT, 'sandbox', 'local', 'cli', 'demo', 'evaluation', 'bench', 'scripts', 'tools', 'test'],
    node: true,
  },
};

/** Files, and folders, with additional permitted imports: composition roots. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const ASSEMBLIES = {
  'aws/deps': ['integrations'],
  'aws/slack-deps.ts': ['integrations'],
  'bench/local-database.ts': ['local'],
  'bench/stored-incidents.ts': ['local'],
  'cli/bin.mjs': ['local'],
  'cli/files.ts': ['local'],
  'cli/hash.ts': ['aws'],
  'demo/main.ts': ['local'],
};

const DIRECTION =
  'schemas ← domain ← integrations, aws, workflows, projectors ← actions ← http ← slack ← jobs ← functions ← sandbox, local';

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
    const folder = file.split('/')[0] ?? '';
    const layer = LAYERS[folder];
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
      const target = posix.join(posix.dirname(file), specifier).split('/');
      const into = target[0] ?? '';
      if (target.length === 1 || into === '..') return undefined; // a file at the root, such as package.json
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
