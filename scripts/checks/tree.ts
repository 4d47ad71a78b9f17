import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAYER_NAMES } from '../lint/import-direction.mjs';
import { foldersOf, TREE } from '../tree.mjs';
import { projectFiles } from './files.ts';

/** A list of folders in a file: the folders that it names, and those that it must name. */
type Place = { where: string; named: readonly string[]; needed: readonly string[] };

const topOf = (path: string): string => path.split('/')[0] ?? '';

/** Returns the places that list folders, and can't read scripts/tree.mjs. */
function placesOf(root: string): Place[] {
  const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
  const types = JSON.parse(textOf('tsconfig.json')) as { include: string[] };
  const knip = JSON.parse(textOf('knip.json')) as { workspaces: { '.': { project: string[] } } };
  const unused = knip.workspaces['.'].project.flatMap((glob) => /^\{([^}]*)\}/.exec(glob)?.[1]?.split(',') ?? []);
  const copied = [...textOf('deploy/Containerfile').matchAll(/^COPY (\w+)/gm)].map(([, folder = '']) => folder);
  return [
    {
      where: 'tsconfig.json, include',
      named: types.include.filter((path) => !path.startsWith('*')),
      needed: [...foldersOf('product', 'packages', 'tools'), 'deploy/actions'],
    },
    { where: 'knip.json, project', named: unused, needed: foldersOf('product', 'tools') },
    {
      where: 'deploy/Containerfile, COPY',
      named: copied.filter((path) => path in TREE),
      needed: [...foldersOf('product', 'data', 'packages'), 'scripts'],
    },
    {
      where: 'scripts/lint/import-direction.mjs, LAYERS',
      named: LAYER_NAMES.map(topOf),
      needed: [...foldersOf('product', 'packages'), 'test'],
    },
  ];
}

/** Returns where folders at the top, scripts/tree.mjs, and the lists of folders in other files differ. */
export function treeProblems(root: string): string[] {
  const folders = projectFiles(root).flatMap((path) => (/^[^./][^/]*\//.test(path) ? [topOf(path)] : []));
  const places = [{ where: 'scripts/tree.mjs, TREE', named: Object.keys(TREE), needed: folders }, ...placesOf(root)];
  return places.flatMap(({ where, named, needed }) => [
    ...[...new Set(needed)].filter((folder) => !named.includes(folder)).map((folder) => `${where}: add ${folder}`),
    ...[...new Set(named)].filter((folder) => !needed.includes(folder)).map((folder) => `${where}: remove ${folder}`),
  ]);
}
