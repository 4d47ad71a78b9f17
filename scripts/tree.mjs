/**
 * The folders at the top, and what each holds: the only list of them. Programs read it. Files that can't are compared with it by
 * scripts/checks/tree.ts, which names the places that a new or renamed folder needs.
 *
 * `product`: code that runs. `data`: files that the product reads. `packages`: code that the product never imports. `tools`: scripts and
 * tests. `other`: the rest.
 *
 * @type {Readonly<Record<string, 'product' | 'data' | 'packages' | 'tools' | 'other'>>}
 */
export const TREE = {
  config: 'data',
  core: 'product',
  deploy: 'other',
  docs: 'data',
  entrances: 'product',
  examples: 'other',
  features: 'product',
  functions: 'product',
  local: 'product',
  packages: 'packages',
  platforms: 'product',
  runbooks: 'data',
  schemas: 'product',
  scripts: 'tools',
  test: 'tools',
  vendors: 'product',
  workflows: 'product',
};

/** @param {string[]} kinds @returns {string[]} the folders of these kinds */
export const foldersOf = (...kinds) => Object.keys(TREE).filter((folder) => kinds.includes(TREE[folder] ?? ''));
