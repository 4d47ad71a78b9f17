import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Table } from '../../core/stores/table.ts';
import { PAGES } from '../../entrances/console/pages/index.ts';
import { assemble } from '../../functions/assembly/deps.ts';
import { jsonLog } from '../../functions/assembly/log.ts';
import { computeHere } from '../../functions/assembly/reports.ts';
import { publish } from '../../local/config/config-watch.ts';
import { platformOptions } from '../../local/platform-options.ts';
import { appsOf } from '../../local/programs.ts';
import { storeDeploys } from '../../packages/lab/bench/stored-deploys.ts';
import { storeIncidents } from '../../packages/lab/bench/stored-incidents.ts';
import type { Platform } from '../../platforms/platform.ts';
import { SqlitePlatform } from '../../platforms/sqlite/platform.ts';
import type { Item, Store } from '../../platforms/store.ts';
import { Config, emptyConfig } from '../../schemas/config/config.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { objective } from '../support/objective.ts';

const TOKEN = 'a token for the admin of some length';
const TEAMS = 20;

const ROLLED_AT_ONCE = 500;

/** Between two requests, so that nothing is answered from what an earlier one has read. */
const PAUSE_MS = 61_000;

/** What one request lets the main thread read from the table. */
export type Reads = { items: number; bytes: number };

export type ReadsWorld = {
  /** Records deploys, over four weeks, and makes their rollups. */
  deploy(count: number): Promise<void>;
  /** Sends each GET of the API and of the console, and returns what the main thread reads, by path. */
  reads(): Promise<Map<string, Reads & { status: number }>>;
  close(): Promise<void>;
};

/**
 * Puts the product together as the main thread of one machine does, with a store that counts. A second product in place of
 * the background thread computes reports; what it reads does not count.
 */
export async function readsWorld(of: { services: number; incidents: number; objectives: number }): Promise<ReadsWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), 'firebreak-reads-'));
  let moment = Date.parse('2026-11-20T12:00:00Z');
  const clock = { now: () => timestamp(moment) };
  const log = jsonLog(clock, 'silent');
  const options = platformOptions({ dataDir, snapshotDir: join(dataDir, 'status'), timeScale: 1 }, log, (name) =>
    name === 'FIREBREAK_ADMIN_TOKEN' ? TOKEN : undefined,
  );
  const services = Array.from({ length: of.services }, (_, n) => `service-${n}`);
  await (await SqlitePlatform.open(options)).close(); // creates the file
  if (of.incidents > 0) await storeIncidents(dataDir, services.slice(0, of.incidents), { entries: 200 });
  const platform = await SqlitePlatform.open(options);
  const config = Config.parse({
    ...emptyConfig,
    version: 'v1',
    services: Object.fromEntries(
      services.map((name, n) => [name, { team: `team-${n % TEAMS}`, environments: { production: {} } }]),
    ),
    slos: Array.from({ length: of.objectives }, (_, n) =>
      objective({ id: `slo-${n}`, service: services[n % services.length] }),
    ),
  });
  await publish(platform.blobs, { ok: true, config, warnings: [] }, clock.now());

  const counted: Reads = { items: 0, bytes: 0 };
  const settings = { stage: 'test', timeScale: 1, standIns: [], publicUrl: undefined };
  const background = assemble({ platform, settings, clock, log });
  const front: Platform = {
    store: countedStore(platform.store, counted),
    queues: platform.queues,
    executions: platform.executions,
    blobs: platform.blobs,
    publicFiles: platform.publicFiles,
    secrets: platform.secrets,
    commits: platform.commits,
  };
  const product = assemble({ platform: front, settings, clock, log, compute: computeHere(() => background) });
  const apps = appsOf(product, { platform: front, clock, log });
  const get = async (path: string) => {
    const [, app = apps.app] =
      Object.entries(apps.appsByPrefix).find(([prefix]) => path.startsWith(prefix) && prefix !== '/') ?? [];
    const accept = path.startsWith('/console') ? 'text/html' : 'application/json';
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'localhost', accept };
    const response = await app.fetch(new Request(`http://localhost${path}`, { headers }), {
      requestContext: { http: { sourceIp: '127.0.0.1' } },
    });
    return { status: response.status, text: await response.text() };
  };
  const table = new Table(platform.store);
  let deployed = 0;
  const names = { service: services[0] ?? '', slo: 'slo-0', incident: '' };
  const [open] = await background.incidents.open();
  names.incident = open?.id ?? '';
  return {
    deploy: async (count) => {
      await storeDeploys(table, services, { count, now: clock.now(), first: deployed });
      deployed += count;
      await rollUp(background);
    },
    reads: async () => {
      const { text } = await get('/openapi.json');
      const found = new Map<string, Reads & { status: number }>();
      for (const path of [...pathsIn(JSON.parse(text), names), ...pagePaths(names)]) {
        moment += PAUSE_MS;
        Object.assign(counted, { items: 0, bytes: 0 });
        const { status } = await get(path);
        found.set(path, { ...counted, status });
      }
      return found;
    },
    close: async () => {
      await platform.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

type Rollups = { deployHistory?: { roll(daysMax: number): Promise<{ isComplete: boolean }> } };

/** Makes the rollups of delivery figures, unless this feature is left out. */
async function rollUp({ features }: ReturnType<typeof assemble>): Promise<void> {
  const { deployHistory } = (features['delivery'] ?? {}) as Rollups;
  if (deployHistory === undefined) return;
  while (!(await deployHistory.roll(ROLLED_AT_ONCE)).isComplete);
}

type Names = { service: string; slo: string; incident: string };

type Operation = { parameters?: { in: string; name: string; required?: boolean }[] };

/** Returns the path of each GET in the description of the API. */
const pathsIn = (document: { paths: Record<string, { get?: Operation }> }, names: Names): string[] =>
  Object.entries(document.paths).flatMap(([path, { get: operation }]) => {
    if (operation === undefined) return [];
    const query = (operation.parameters ?? [])
      .filter((one) => one.in === 'query' && one.required === true)
      .map(({ name }) => `${name}=${valueOf(name, path, names)}`);
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => valueOf(name, path, names));
    return [query.length === 0 ? filled : `${filled}?${query.join('&')}`];
  });

const pagePaths = (names: Names): string[] =>
  PAGES.map(({ path }) => path.replaceAll(/:(\w+)/g, (_, name: string) => valueOf(name, path, names)));

const valueOf = (name: string, path: string, { service, slo, incident }: Names): string =>
  name === 'environment'
    ? 'production'
    : name !== 'id'
      ? service
      : path.includes('/slos/')
        ? slo
        : path.includes('/incidents/')
          ? incident
          : 'none';

function countedStore(store: Store, counted: Reads): Store {
  const count = (items: readonly (Item | undefined)[]): void => {
    for (const item of items) {
      // Counters are in random parts of a fixed number.
      if (item === undefined || String(item['pk']).startsWith('COUNTS#')) continue;
      counted.items += 1;
      counted.bytes += JSON.stringify(item).length;
    }
  };
  return {
    get: async (key) => {
      const item = await store.get(key);
      count([item]);
      return item;
    },
    getMany: async (keys) => {
      const items = await store.getMany(keys);
      count(items);
      return items;
    },
    range: async (...args) => {
      const rows = await store.range(...args);
      count(rows.items);
      return rows;
    },
    list: async (...args) => {
      const rows = await store.list(...args);
      count(rows.items);
      return rows;
    },
    write: (writes) => store.write(writes),
    update: (...args) => store.update(...args),
  };
}
