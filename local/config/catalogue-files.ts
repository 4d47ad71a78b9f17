import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSeq } from 'yaml';
import { lintCalendar, lintCatalogue, lintRoutes, lintStatusPage } from '../../domain/catalogue/catalogue-lint.ts';
import { nearest } from '../../domain/runbooks/similar-names.ts';
import { inFileOrder, type Problem } from '../../domain/runbooks/problem.ts';
import { warningAt, type SourceLocation, errorAt } from '../../domain/slo/source-locations.ts';
import type { Config } from '../../schemas/config/config.ts';
import { WINDOW } from '../../schemas/slo/slo.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { FREEZE_FILE } from './freeze-file.ts';
import { parsesAsPromql } from './promql.ts';
import { readLocations } from './yaml-lines.ts';
import { FEATURE_FILES } from '../../features/names.ts';

const SERVICES_FILE = 'services.yaml';
const ROUTES_FILE = 'routes.yaml';
const STATUS_PAGE_FILE = 'status-page.yaml';

/** Known files in the configuration folder. */
export const CONFIG_FILES = [
  SERVICES_FILE,
  'paging.yaml',
  ROUTES_FILE,
  'slack.yaml',
  STATUS_PAGE_FILE,
  FREEZE_FILE,
  'people.yaml',
  'response.yaml',
  'links.yaml',
  'delivery.yaml',
  ...Object.keys(FEATURE_FILES).map((name) => `${name}.yaml`),
];
/** Known folders in it: objectives, and the JSON Schemas of the files. */
const CONFIG_FOLDERS = ['slos', 'schemas'];

type Locate = (path: readonly PropertyKey[]) => SourceLocation;

/** Returns errors and warnings in the catalogue, routes, calendar, and status page of a valid configuration. */
export async function lintNames(dir: string, config: Omit<Config, 'runbooks'>, now: Timestamp): Promise<Problem[]> {
  const [services, routes, freeze, statusPage] = await Promise.all([
    readLocations(join(dir, SERVICES_FILE)),
    readLocations(join(dir, ROUTES_FILE)),
    readLocations(join(dir, FREEZE_FILE)),
    readLocations(join(dir, STATUS_PAGE_FILE)),
  ]);
  const locateInServices: Locate = (path) => services.locate(path);
  return inFileOrder([
    ...lintCatalogue(config.services, locateInServices),
    ...lintQueries(config.services, locateInServices),
    // The routes file can be a bare list of routes, without the key `routes`.
    ...lintRoutes(config, now, (path) => routes.locate(isSeq(routes.document.contents) ? path.slice(1) : path)),
    ...lintCalendar(config, now, (path) => freeze.locate(path)),
    ...lintStatusPage(config, (path) => statusPage.locate(path)),
  ]);
}

/** Returns queries that Prometheus would refuse. */
const lintQueries = (services: Config['services'], at: Locate): Problem[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { health, judge }]) =>
      [...queriesIn('health', health), ...queriesIn('judge', judge)].flatMap(([where, query]) => {
        const problem = parsesAsPromql(query.replaceAll(WINDOW, '1m'));
        if (problem === null) return [];
        const path = ['services', service, 'environments', environment, ...where];
        return [errorAt(at(path), `${path.join('.')} is not valid PromQL: ${problem}`)];
      }),
    ),
  );

const QUERY_KEYS: readonly string[] = [
  'promql',
  'traffic',
  'byVersion',
  'trafficByVersion',
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
