import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSeq } from 'yaml';
import { lintCatalogue, lintRoutes } from '../../core/domain/catalogue/catalogue-lint.ts';
import { callersQueryOf } from '../../core/domain/catalogue/callers-query.ts';
import { nearest } from '../../schemas/parsing/similar-names.ts';
import { inFileOrder, type Problem } from '../../core/domain/lint/problem.ts';
import { warningAt, type Locate, errorAt } from '../../core/domain/lint/source-locations.ts';
import type { Config, EnvironmentEntry } from '../../schemas/config/config.ts';
import { WINDOW } from '../../schemas/slo/slo.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { OBJECTIVE_FOLDERS } from './objective-files.ts';
import { parsesAsPromql } from './promql.ts';
import { readLocations } from '../../core/stores/config/yaml-lines.ts';
import { FEATURES } from '../../features/index.ts';
import { FEATURE_FILES } from '../../features/names.ts';

const SERVICES_FILE = 'services.yaml';
const ROUTES_FILE = 'routes.yaml';

/** Known files in the configuration folder. */
export const CONFIG_FILES = [
  SERVICES_FILE,
  'paging.yaml',
  ROUTES_FILE,
  'slack.yaml',
  'people.yaml',
  'response.yaml',
  'links.yaml',
  'delivery.yaml',
  ...Object.keys(FEATURE_FILES).map((name) => `${name}.yaml`),
];
/** Known folders in it: objectives, and the JSON Schemas of the files. */
const CONFIG_FOLDERS = [...OBJECTIVE_FOLDERS, 'schemas'];

/** Returns errors and warnings in the catalogue, routes, and files of features of a valid configuration. */
export async function lintNames(dir: string, config: Omit<Config, 'runbooks'>, now: Timestamp): Promise<Problem[]> {
  const [services, routes, ofFeatures] = await Promise.all([
    readLocations(join(dir, SERVICES_FILE)),
    readLocations(join(dir, ROUTES_FILE)),
    lintFeatureFiles(dir, config, now),
  ]);
  const locateInServices: Locate = (path) => services.locate(path);
  // The routes file can be a bare list of routes, without the key `routes`.
  const pathInRoutes = (path: readonly PropertyKey[]): readonly PropertyKey[] =>
    isSeq(routes.document.contents) ? path.slice(1) : path;
  return inFileOrder([
    ...lintCatalogue(config.services, locateInServices),
    ...lintQueries(config.services, locateInServices),
    ...lintRoutes(
      config,
      now,
      (path) => routes.locate(pathInRoutes(path)),
      (path) => JSON.stringify(routes.document.getIn(pathInRoutes(path)) ?? null),
    ),
    ...ofFeatures,
  ]);
}

async function lintFeatureFiles(dir: string, config: Omit<Config, 'runbooks'>, now: Timestamp): Promise<Problem[]> {
  const problems = FEATURES.flatMap(({ lints = {} }) => Object.entries(lints)).map(async ([name, lint]) => {
    const { document, locate } = await readLocations(join(dir, `${name}.yaml`));
    return lint(config, { locate, has: (path) => document.hasIn(path), now });
  });
  return (await Promise.all(problems)).flat();
}

/** Returns queries that Prometheus would refuse. */
const lintQueries = (services: Config['services'], at: Locate): Problem[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { health, judge }]) =>
      [...queriesIn('health', health), ...podsIn(health), ...queriesIn('judge', judge)].flatMap(([where, query]) => {
        const problem = parsesAsPromql(query.replaceAll(WINDOW, '1m'));
        const path = ['services', service, 'environments', environment, ...where];
        if (problem !== null) return [errorAt(at(path), `${path.join('.')} is not valid PromQL: ${problem}`)];
        return health === undefined || where.at(-1) !== 'callersByVersion' || isComparable(health, query)
          ? []
          : [errorAt(at(path), `${path.join('.')} ${NOT_COMPARABLE}`)];
      }),
    ),
  );

const NOT_COMPARABLE =
  'must divide the rate of failed requests by that of all requests in one window, and health.promql must measure failed requests as well';

const isComparable = (health: NonNullable<EnvironmentEntry['health']>, callersByVersion: string): boolean =>
  callersQueryOf({ ...health, callersByVersion, called: health.promql }) !== null;

/** Returns the selector of the pods, of which only the matchers are configured. */
const podsIn = (health: EnvironmentEntry['health']): [path: PropertyKey[], query: string][] =>
  health?.pods === undefined ? [] : [[['health', 'pods'], `{${health.pods}}`]];

const QUERY_KEYS: readonly string[] = [
  'promql',
  'traffic',
  'byVersion',
  'trafficByVersion',
  'callersByVersion',
  'bad',
  'total',
  'buckets',
  'query',
];

/** Returns the queries in a part of an environment with their paths. */
function queriesIn(key: PropertyKey, value: unknown): [path: PropertyKey[], query: string][] {
  if (typeof value === 'string') return QUERY_KEYS.includes(String(key)) ? [[[key], value]] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const innerKey = Array.isArray(value) ? Number(name) : name;
    return queriesIn(innerKey, inner).map(([path, query]): [PropertyKey[], string] => [[key, ...path], query]);
  });
}

/**
 * Returns files in the configuration folder that Firebreak does not read, such as `services.yml`, and reports a missing
 * folder.
 *
 * @throws errors of the file system, except for a missing folder
 */
export async function lintConfigFolder(dir: string): Promise<Problem[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const at = { file: dir, line: 1 };
  if (entries === undefined)
    return [
      warningAt(at, 'this folder does not exist, so all configuration is default', 'docs/reference/configuration.md'),
    ];
  const names = entries.map(({ name }) => name);
  const unread = entries.flatMap((entry) => {
    const known = entry.isDirectory() ? CONFIG_FOLDERS : CONFIG_FILES;
    if (known.includes(entry.name) || entry.name.startsWith('.')) return [];
    if (!entry.isDirectory() && !/\.(ya?ml|json)$/i.test(entry.name)) return [];
    const location = { file: join(dir, entry.name), line: 1 };
    const similar = nearest(stem(entry.name), known.map(stem));
    const correctName = known.find((name) => stem(name) === similar);
    if (correctName === undefined)
      return [warningAt(location, 'Firebreak does not read this', `known names: ${known.join(', ')}`)];
    const message = 'Firebreak does not read this';
    const suggestion = `did you mean "${correctName}"?`;
    // If the correct name also exists, this may be a copy.
    return [
      names.includes(correctName) ? warningAt(location, message, suggestion) : errorAt(location, message, suggestion),
    ];
  });
  return inFileOrder(unread);
}

const stem = (name: string): string => basename(name).replace(/\.[^.]*$/, '');

/** Reports a missing runbooks folder, and files whose names are almost those of runbooks. */
export async function lintRunbooksFolder(dir: string): Promise<Problem[]> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined)
    return [
      warningAt(
        { file: dir, line: 1 },
        'this folder does not exist, so there are no runbooks',
        'docs/reference/runbooks.md',
      ),
    ];
  const entries = await readdir(dir, { withFileTypes: true });
  return inFileOrder(
    entries
      .filter((entry) => entry.isFile() && /\.(markdown|mdx|mkd|MD|Md|mD)$/.test(entry.name))
      .map(({ name }) =>
        errorAt({ file: join(dir, name), line: 1 }, 'Firebreak does not read this', `did you mean "${stem(name)}.md"?`),
      ),
  );
}
