import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { lintCalendar, lintCatalogue, lintRoutes, lintStatusPage } from '../domain/catalogue-lint.ts';
import { nearest } from '../domain/runbooks/nearest.ts';
import { inOrder, type Problem } from '../domain/runbooks/problem.ts';
import { doubtful, type Where, wrong } from '../domain/slo/written.ts';
import type { Config } from '../schemas/config.ts';
import type { Timestamp } from '../schemas/time.ts';
import { FREEZE_FILE } from './freeze-file.ts';
import { parsesAsPromql } from './promql.ts';
import { lineOf } from './yaml-lines.ts';

const SERVICES_FILE = 'services.yaml';
const ROUTES_FILE = 'routes.yaml';
const STATUS_PAGE_FILE = 'status-page.yaml';

/** The names that are looked for in the folder of the configuration. */
export const CONFIG_FILES = [
  SERVICES_FILE,
  'paging.yaml',
  ROUTES_FILE,
  'slack.yaml',
  STATUS_PAGE_FILE,
  FREEZE_FILE,
  'people.yaml',
  'response.yaml',
];
/** Folders in it: objectives, and the JSON Schemas of the files. */
const CONFIG_FOLDERS = ['slos', 'schemas'];

type At = (path: readonly PropertyKey[]) => Where;

/** What is wrong or doubtful in the catalogue, routes, calendar, and status page of a set that can be read. */
export async function lintNames(dir: string, config: Omit<Config, 'runbooks'>, now: Timestamp): Promise<Problem[]> {
  const [inServices, inRoutes, inFreeze, inStatusPage] = await Promise.all(
    [SERVICES_FILE, ROUTES_FILE, FREEZE_FILE, STATUS_PAGE_FILE].map((name) => placesIn(join(dir, name))),
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

/** A file of routes may be a bare list of them. */
const isList = (at: Places): boolean => at.isList;

type Places = At & { isList: boolean };

async function placesIn(file: string): Promise<Places> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at: At = (path) => ({ file, line: lineOf(document.contents, path, lines) });
  return Object.assign(at, { isList: Array.isArray(document.toJS({ maxAliasCount: 100 })) });
}

/** Queries that Prometheus would refuse: what they are for would never be measured. */
const lintQueries = (services: Config['services'], at: At): Problem[] =>
  Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { health }]) =>
      (['promql', 'traffic', 'byVersion'] as const).flatMap((key) => {
        const query = health?.[key];
        const problem = query === undefined ? null : parsesAsPromql(query);
        if (problem === null) return [];
        const path = ['services', service, 'environments', environment, 'health', key];
        return [wrong(at(path), `${path.join('.')} is not valid PromQL: ${problem}`)];
      }),
    ),
  );

/**
 * Files in the folder of the configuration that nothing reads, as `services.yml`, and what is missing.
 *
 * @throws what the file system says, except that there is no such folder
 */
export async function lintConfigFolder(dir: string): Promise<Problem[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const at = { file: dir, line: 1 };
  if (entries === undefined)
    return [doubtful(at, 'there is no such folder, so the configuration is all defaults', 'docs/configuration.md')];
  const names = entries.map(({ name }) => name);
  const unread = entries.flatMap((entry) => {
    const known = entry.isDirectory() ? CONFIG_FOLDERS : CONFIG_FILES;
    if (known.includes(entry.name) || entry.name.startsWith('.')) return [];
    if (!entry.isDirectory() && !/\.(ya?ml|json)$/i.test(entry.name)) return [];
    const where = { file: join(dir, entry.name), line: 1 };
    const meant = nearest(stem(entry.name), known.map(stem));
    const right = known.find((one) => stem(one) === meant);
    if (right === undefined) return [doubtful(where, 'nothing reads this', `there are ${known.join(', ')}`)];
    const message = 'nothing reads this';
    const suggestion = `did you mean "${right}"?`;
    // Where the right one is there as well, this may be a copy.
    return [names.includes(right) ? doubtful(where, message, suggestion) : wrong(where, message, suggestion)];
  });
  return inOrder(unread);
}

const stem = (name: string): string => basename(name).replace(/\.[^.]*$/, '');

/** That a folder of runbooks is missing, or has files that only nearly are runbooks. */
export async function lintRunbooksFolder(dir: string): Promise<Problem[]> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined)
    return [doubtful({ file: dir, line: 1 }, 'there is no such folder, so there are no runbooks', 'docs/runbooks.md')];
  const entries = await readdir(dir, { withFileTypes: true });
  return inOrder(
    entries
      .filter((entry) => entry.isFile() && /\.(markdown|mdx|mkd|MD|Md|mD)$/.test(entry.name))
      .map(({ name }) =>
        wrong({ file: join(dir, name), line: 1 }, 'nothing reads this', `did you mean "${stem(name)}.md"?`),
      ),
  );
}
