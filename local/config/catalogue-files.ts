import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { lintCalendar, lintCatalogue, lintRoutes, lintStatusPage } from '../../domain/catalogue/catalogue-lint.ts';
import { nearest } from '../../domain/runbooks/similar-names.ts';
import { inOrder, type Problem } from '../../domain/runbooks/problem.ts';
import { warningAt, type SourceLocation, wrong } from '../../domain/slo/source-locations.ts';
import type { Config } from '../../schemas/config/config.ts';
import { WINDOW } from '../../schemas/slo/slo.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { FREEZE_FILE } from './freeze-file.ts';
import { parsesAsPromql } from './promql.ts';
import { lineOf } from './yaml-lines.ts';

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
  'postmortems.yaml',
];
/** Known folders in it: objectives, and the JSON Schemas of the files. */
const CONFIG_FOLDERS = ['slos', 'schemas'];

type At = (path: readonly PropertyKey[]) => SourceLocation;

/** Returns errors and warnings in the catalogue, routes, calendar, and status page of a valid configuration. */
export async function lintNames(dir: string, config: Omit<Config, 'runbooks'>, now: Timestamp): Promise<Problem[]> {
  const [inServices, inRoutes, inFreeze, inStatusPage] = await Promise.all(
    [SERVICES_FILE, ROUTES_FILE, FREEZE_FILE, STATUS_PAGE_FILE].map((name) => locationsIn(join(dir, name))),
  );
  if (!inServices || !inRoutes || !inFreeze || !inStatusPage) return [];
  return inOrder([
    ...lintCatalogue(config.services, inServices),
    ...lintQueries(config.services, inServices),
    ...lintRoutes(config, now, (path) => inRoutes(isList(inRoutes) ? path.slice(1) : path)),
    ...lintCalendar(config, now, inFreeze),
    ...lintStatusPage(config, inStatusPage),
  ]);
}

/** The routes file can be a bare list of routes. */
const isList = (at: FileLocations): boolean => at.isList;

type FileLocations = At & { isList: boolean };

async function locationsIn(file: string): Promise<FileLocations> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at: At = (path) => ({ file, line: lineOf(document.contents, path, lines) });
  return Object.assign(at, { isList: Array.isArray(document.toJS({ maxAliasCount: 100 })) });
}

/** Returns queries that Prometheus would refuse. */
const lintQueries = (services: Config['services'], at: At): Problem[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { health, judge }]) =>
      [...queriesIn('health', health), ...queriesIn('judge', judge)].flatMap(([where, query]) => {
        const problem = parsesAsPromql(query.replaceAll(WINDOW, '1m'));
        if (problem === null) return [];
        const path = ['services', service, 'environments', environment, ...where];
        return [wrong(at(path), `${path.join('.')} is not valid PromQL: ${problem}`)];
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
const queriesIn = (key: PropertyKey, value: unknown): [path: PropertyKey[], query: string][] =>
  typeof value === 'string'
    ? QUERY_KEYS.includes(String(key))
      ? [[[key], value]]
      : []
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, inner]) =>
          queriesIn(Array.isArray(value) ? Number(name) : name, inner).map(([path, query]): [PropertyKey[], string] => [
            [key, ...path],
            query,
          ]),
        )
      : [];

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
    const where = { file: join(dir, entry.name), line: 1 };
    const similar = nearest(stem(entry.name), known.map(stem));
    const right = known.find((one) => stem(one) === similar);
    if (right === undefined)
      return [warningAt(where, 'Firebreak does not read this', `known names: ${known.join(', ')}`)];
    const message = 'Firebreak does not read this';
    const suggestion = `did you mean "${right}"?`;
    // If the correct name also exists, this may be a copy.
    return [names.includes(right) ? warningAt(where, message, suggestion) : wrong(where, message, suggestion)];
  });
  return inOrder(unread);
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
  return inOrder(
    entries
      .filter((entry) => entry.isFile() && /\.(markdown|mdx|mkd|MD|Md|mD)$/.test(entry.name))
      .map(({ name }) =>
        wrong({ file: join(dir, name), line: 1 }, 'Firebreak does not read this', `did you mean "${stem(name)}.md"?`),
      ),
  );
}
