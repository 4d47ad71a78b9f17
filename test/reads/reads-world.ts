import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Table } from '../../core/stores/table.ts';
import { assemble } from '../../functions/assembly/deps.ts';
import { createLog } from '../../functions/assembly/log.ts';
import { computeHere } from '../../functions/assembly/reports.ts';
import { publish } from '../../local/config/config-watch.ts';
import { platformOptions } from '../../local/platform-options.ts';
import { appsOf } from '../../local/programs.ts';
import { getPaths } from '../../packages/lab/bench/get-paths.ts';
import { storeDeploys } from '../../packages/lab/bench/stored-deploys.ts';
import { storeOpenIncidents } from '../../packages/lab/bench/stored-incidents.ts';
import type { Platform } from '../../platforms/platform.ts';
import { SqlitePlatform } from '../../platforms/sqlite/platform.ts';
import type { Item, Store } from '../../platforms/store.ts';
import { Config, emptyConfig } from '../../schemas/config/config.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Slo } from '../../schemas/slo/slo.ts';
import { BurnWindow, SloStatus } from '../../schemas/slo/slo-status.ts';
import { timestamp, type Timestamp } from '../../schemas/time/time.ts';
import { objective } from '../support/objective.ts';

const TOKEN = 'a token for the admin of some length';
const TEAMS = 20;

const ROLLED_AT_ONCE = 500;

/** Between two requests, so that nothing is answered from what an earlier one has read. */
const PAUSE_MS = 61_000;

/** What one request lets the main thread read from the table. */
export type Reads = { items: number; bytes: number };

export type ReadsWorld = {
  /** Records deploys of the services, over four weeks, and makes their rollups. */
  deploy(count: number): Promise<void>;
  /** Opens incidents, each of another service. */
  open(count: number): Promise<void>;
  /** Configures objectives, each of another service, as if they had been evaluated. */
  measure(count: number): Promise<void>;
  /** Freezes deploys, each of another service, and ends every second of these freezes. */
  freeze(count: number): Promise<void>;
  /** Sends each GET of the API and of the console, or those of `paths`, and returns what the main thread reads, by path. */
  reads(paths?: readonly string[]): Promise<Map<string, Reads & { status: number }>>;
  close(): Promise<void>;
};

/**
 * Puts the product together as the main thread of one machine does, with a store that counts. A second product in place of
 * the background thread computes reports; what it reads does not count.
 *
 * @param of.deploying number of services that deploy
 */
export async function readsWorld(of: { services: number; deploying: number }): Promise<ReadsWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), 'firebreak-reads-'));
  let moment = Date.parse('2026-11-20T12:00:00Z');
  const clock = { now: () => timestamp(moment) };
  const log = createLog(clock, { level: 'silent', format: 'json' });
  const options = platformOptions({ dataDir, snapshotDir: join(dataDir, 'status'), timeScale: 1 }, log, (name) =>
    name === 'FIREBREAK_ADMIN_TOKEN' ? TOKEN : undefined,
  );
  const services = Array.from({ length: of.services }, (_, n) => `service-${n}`);
  const platform = await SqlitePlatform.open(options);
  const slos: Slo[] = [];
  const configure = () => {
    const config = Config.parse({
      ...emptyConfig,
      version: `v${slos.length}`,
      services: Object.fromEntries(
        services.map((name, n) => [name, { team: `team-${n % TEAMS}`, environments: { production: {} } }]),
      ),
      slos,
      freeze: { ...emptyConfig.freeze, defaults: { incidents: 'critical' } },
    });
    return publish(platform.blobs, { ok: true, config, warnings: [] }, clock.now());
  };
  await configure();

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
  const send = async (method: 'DELETE' | 'GET' | 'POST', path: string, body?: object) => {
    const [, app = apps.app] =
      Object.entries(apps.appsByPrefix).find(([prefix]) => path.startsWith(prefix) && prefix !== '/') ?? [];
    const accept = path.startsWith('/console') ? 'text/html' : 'application/json';
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      host: 'localhost',
      accept,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const request = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await app.fetch(new Request(`http://localhost${path}`, request), {
      requestContext: { http: { sourceIp: '127.0.0.1' } },
    });
    return { status: response.status, text: await response.text() };
  };
  const get = (path: string) => send('GET', path);
  const table = new Table(platform.store);
  let [deployed, opened, frozen] = [0, 0, 0];
  /** Beside those with the parameters that are required. */
  const more = ['/v1/incidents?status=open&limit=20'];
  const names = { service: services[0] ?? '', slo: 'slo-0', incident: 'none' };
  return {
    deploy: async (count) => {
      const deploying = services.slice(0, of.deploying);
      await storeDeploys(table, deploying, { count, now: clock.now(), first: deployed });
      deployed += count;
      await rollUp(background);
    },
    open: async (count) => {
      const { busy } = await storeOpenIncidents(table, services.slice(opened, opened + count), {
        entries: 10,
        now: clock.now(),
      });
      // The list records the freezes of incidents.
      const { items = [] } = JSON.parse((await get('/v1/freezes')).text) as { items?: { id: string }[] };
      if (opened === 0) {
        names.incident = busy;
        more.push(...items.slice(0, 1).map(({ id }) => `/v1/freezes/${id}`));
      }
      opened += count;
    },
    measure: async (count) => {
      const added = services.slice(slos.length, slos.length + count);
      slos.push(...added.map((service, n) => objective({ id: `slo-${slos.length + n}`, service })));
      await configure();
      await evaluated(background, slos.slice(-count), clock.now());
    },
    freeze: async (count) => {
      for (const [n, service] of services.slice(frozen, frozen + count).entries()) {
        const { status, text } = await send('POST', '/v1/freezes', { service, reason: 'the warehouse moves' });
        if (status === 201 && n % 2 === 1) await send('DELETE', `/v1/freezes/${JSON.parse(text).id}`);
      }
      frozen += count;
    },
    reads: async (only) => {
      const paths = only ?? [...getPaths(JSON.parse((await get('/openapi.json')).text), names), ...more];
      const found = new Map<string, Reads & { status: number }>();
      for (const path of paths) {
        await projected(background);
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

type Features = {
  delivery?: { deployHistory: { roll(daysMax: number): Promise<{ isComplete: boolean }> } };
  slo?: { sloStatuses: { put(of: ServiceEnvironment, statuses: readonly SloStatus[]): Promise<void> } };
};

/** Makes the rollups of delivery figures, unless this feature is left out. */
async function rollUp({ features }: ReturnType<typeof assemble>): Promise<void> {
  const { delivery } = features as Features;
  if (delivery === undefined) return;
  while (!(await delivery.deployHistory.roll(ROLLED_AT_ONCE)).isComplete);
}

/** Lets projectors have shown everything, since what waits for them is read for metrics. */
async function projected({ projections }: ReturnType<typeof assemble>): Promise<void> {
  for (const [target, waiting] of await projections.dueAnywhere())
    for (const due of waiting) await projections.settle(target, due, null);
}

/** Stores what an evaluation finds, unless objectives are left out: a budget that is spent. */
async function evaluated(
  { features }: ReturnType<typeof assemble>,
  slos: readonly Slo[],
  at: Timestamp,
): Promise<void> {
  const { slo: own } = features as Features;
  const none = { spent_at: null, lifts_at: null, lifts_at_present_burn: null };
  const known = { spent_at_least: 1.2, coverage: 1, events: 10_000, errors: 12, significant: true };
  const rates = Object.fromEntries(BurnWindow.options.map((window) => [window, 20]));
  for (const { id, service, environment } of slos)
    await own?.sloStatuses.put({ service, environment }, [
      SloStatus.parse({
        id,
        service,
        environment,
        state: 'ok',
        problem: null,
        data_at: at,
        source: 'own',
        untouched: false,
        budget: { ...known, remaining: -0.2 },
        burn_rates: rates,
        burning: [{ severity: 'page', long: '1h', short: '5m', factor: 14.4 }],
        forecast: none,
      }),
    ]);
}

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
