import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { argoCd } from './argo-cd.ts';
import { aws } from './aws.ts';
import { cd } from './cd.ts';
import { faultTables, openFaults } from './faults.ts';
import { flags } from './flags.ts';
import { front, type Front } from './front.ts';
import { github } from './github.ts';
import { grafana } from './grafana.ts';
import { journalTables, openJournal } from './journal.ts';
import { kubernetes } from './kubernetes.ts';
import { lateTables, openLateCalls } from './late.ts';
import { launchdarkly } from './launchdarkly.ts';
import { startMailbox } from './mail.ts';
import { pagerduty } from './pagerduty.ts';
import { prometheus, prometheusInUse } from './prometheus.ts';
import { sandbox } from './sandbox.ts';
import { slack } from './slack.ts';
import type { Product, StandIn, StandInDeps } from './stand-in.ts';
import { provideComponents, statuspage } from './statuspage.ts';
import { openStore } from './store.ts';

/** Every vendor that can be stood in for. A new one is its file and its place here. */
const standIns = [
  pagerduty,
  cd,
  slack,
  statuspage,
  grafana,
  github,
  prometheus,
  argoCd,
  kubernetes,
  launchdarkly,
  flags,
  aws,
] as const satisfies readonly StandIn[];

export type Vendor = (typeof standIns)[number]['vendor'];

export type StandIns = {
  /** The base URL of each, without a slash at the end. Other ports on every start. */
  urls: Record<Vendor, string>;
  /** Of the mail server: `smtp://127.0.0.1:…`. */
  mail: string;
  /** `/sandbox` and all below it. It asks for no credential: mount it where only this machine can reach it. */
  app: Hono;
  /** Says where the product is, once it listens: what people do at a vendor is told it from then on. */
  connect(product: Product): Promise<void>;
  /** Creates components on the status page where they are missing, as an admin would have done. */
  statuspage: { provide(names: readonly string[]): Promise<void> };
  /** Whether it was given samples or rules: until then Prometheus is taken for absent. */
  prometheus: { inUse(): boolean };
  close(): Promise<void>;
};

/**
 * Starts the stand-ins, each with a server of its own on a free loopback port, so that the product reaches them as it
 * reaches the vendors: over HTTP, by base URL.
 *
 * What they received and what they know is kept in `standins.sqlite` in `dir`, over restarts and `kill -9`. One process
 * at a time may have it open.
 *
 * @param options.timeScale at least 1 (default): their durations and rate-limit windows are divided by it
 * @param options.now milliseconds since the Unix epoch; default: the clock
 */
export async function startStandIns(options: {
  dir: string;
  timeScale?: number;
  now?: () => number;
}): Promise<StandIns> {
  const tables = [journalTables, faultTables, lateTables, ...standIns.map((standIn) => standIn.tables)];
  const store = openStore(options.dir, tables);
  const deps: StandInDeps = { db: store.db, now: options.now ?? Date.now, timeScale: options.timeScale ?? 1 };
  const closing = new AbortController();
  const parts = {
    store,
    deps,
    journal: openJournal(store.db),
    faults: openFaults(store.db),
    late: openLateCalls(store.db),
    closing: closing.signal,
  };

  const fronts = standIns.map((standIn) => front(standIn, parts));
  const servers = await Promise.all(fronts.map(listen));
  const urls = Object.fromEntries(servers.map((server, i) => [standIns[i]?.vendor, urlOf(server)])) as StandIns['urls'];
  for (const each of fronts) each.resume();

  const mailbox = await startMailbox(parts);

  let product: Product | undefined;
  const outside = { ...deps, unit: store.unit, product: () => product, closing: closing.signal };
  const people = new Map(
    standIns.flatMap((standIn) =>
      'people' in standIn ? [[standIn.vendor, standIn.people({ ...outside, url: urls[standIn.vendor] })] as const] : [],
    ),
  );

  return {
    urls,
    mail: mailbox.url,
    app: sandbox({ ...parts, standIns, urls, people }),
    async connect(to) {
      product = to;
      await Promise.all([...people.values()].map(({ resume }) => resume()));
    },
    statuspage: { provide: (names) => store.unit(() => provideComponents(deps, names)) },
    prometheus: { inUse: () => prometheusInUse(deps) },
    async close() {
      closing.abort();
      await Promise.all([...servers.map(stop), mailbox.close()]);
      await store.close();
    },
  };
}

async function listen({ fetch }: Front): Promise<Server> {
  const server = createAdaptorServer({
    fetch: (request, env) => fetch(request, env as HttpBindings), // HTTP/1 only: the default server
    overrideGlobalObjects: false,
  }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function stop(server: Server): Promise<void> {
  const stopped = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await stopped;
}
