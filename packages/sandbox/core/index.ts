import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { argoCd } from '../argo-cd/argo-cd.ts';
import { aws } from '../aws/aws.ts';
import { cd } from '../cd/cd.ts';
import { faultTables, openFaults } from './faults.ts';
import { flags } from '../flags-http/flags.ts';
import { front, type Front, type FrontParts, pause } from './front.ts';
import { github } from '../github/github.ts';
import { grafana } from '../grafana/grafana.ts';
import { jira } from '../jira/jira.ts';
import { journalTables, openJournal } from './journal.ts';
import { kubernetes } from '../kubernetes/kubernetes.ts';
import { lateTables, openLateCalls } from './late.ts';
import { launchdarkly } from '../launchdarkly/launchdarkly.ts';
import { startMailbox } from '../mail/mail.ts';
import { opentelemetry } from '../opentelemetry/opentelemetry.ts';
import { pagerduty } from '../pagerduty/pagerduty.ts';
import { badDeploy } from '../play/bad-deploy.ts';
import { prometheus, prometheusInUse } from '../prometheus/prometheus.ts';
import { sandbox } from './sandbox.ts';
import { slack } from '../slack/slack.ts';
import type { Product, StandIn, StandInDeps } from './stand-in.ts';
import { provideComponents, statuspage } from '../statuspage/statuspage.ts';
import { openStore } from './store.ts';
import type { Env } from '../../../schemas/config/variables.ts';

/** All stand-ins. To add a vendor, add its file and an entry here. */
const standIns = [
  pagerduty,
  cd,
  slack,
  statuspage,
  grafana,
  opentelemetry,
  github,
  jira,
  prometheus,
  argoCd,
  kubernetes,
  launchdarkly,
  flags,
  aws,
] as const satisfies readonly StandIn[];

export type Vendor = (typeof standIns)[number]['vendor'];

type Connected = Extract<(typeof standIns)[number], { settings: (url: string) => Env }>['vendor'];

/** Returns the settings that connect the product to each stand-in, by vendor. */
export const standInSettings = (urls: Record<Vendor, string>): [Connected, Env][] =>
  standIns.flatMap((standIn): [Connected, Env][] =>
    standIn.settings === null ? [] : [[standIn.vendor, standIn.settings(urls[standIn.vendor])]],
  );

export type StandIns = {
  /** The base URL of each stand-in, without a slash at the end. The ports change with every start. */
  urls: Record<Vendor, string>;
  /** URL of the mail server, `smtp://127.0.0.1:…`. */
  mail: string;
  /** `/sandbox` and all paths below. It requires no credentials: mount it where only this machine can reach it. */
  app: Hono;
  /** Sets the product, once it listens. From then on, it receives the actions of people at a vendor. */
  connect(product: Product): Promise<void>;
  /** Creates missing components on the status page, as an admin does in Statuspage. */
  statuspage: { provide(names: readonly string[]): Promise<void> };
  /** Whether samples or rules were set. Until then, Prometheus counts as absent. */
  prometheus: { inUse(): boolean };
  close(): Promise<void>;
};

/**
 * Starts the stand-ins. Each one has its own server on a free loopback port, so that the product reaches them over HTTP
 * by base URL, like the vendors.
 *
 * Received calls and state are stored in `standins.sqlite` in `dir`, and survive restarts and `kill -9`. Only one
 * process at a time may open it.
 *
 * @param options.timeScale divisor for durations and rate-limit windows, at least 1 (default)
 * @param options.now returns milliseconds since the Unix epoch; default: the system clock
 * @param options.holdBack replaces the timer before late effects
 */
export async function startStandIns(options: {
  dir: string;
  timeScale?: number;
  now?: () => number;
  holdBack?: FrontParts['holdBack'];
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
    holdBack: options.holdBack ?? pause,
    closing: closing.signal,
  };

  const fronts = standIns.map((standIn) => front(standIn, parts));
  const servers = await Promise.all(fronts.map(listen));
  const urls = Object.fromEntries(servers.map((server, i) => [standIns[i]?.vendor, urlOf(server)])) as Record<
    Vendor,
    string
  >;
  for (const oneFront of fronts) oneFront.resume();

  const mailbox = await startMailbox(parts);

  let product: Product | undefined;
  const userActionDeps = { ...deps, transaction: store.transaction, product: () => product, closing: closing.signal };
  const userActions = new Map(
    standIns.flatMap((standIn) =>
      'userActions' in standIn
        ? [[standIn.vendor, standIn.userActions({ ...userActionDeps, url: urls[standIn.vendor] })] as const]
        : [],
    ),
  );

  const app: Hono = sandbox({
    ...parts,
    standIns,
    urls,
    userActions,
    play: badDeploy({
      product: () => product,
      sandbox: (path, init) => app.request(path, init),
      now: deps.now,
      closing: closing.signal,
    }),
  });

  return {
    urls,
    mail: mailbox.url,
    app,
    async connect(to) {
      product = to;
      await Promise.all([...userActions.values()].map(({ resume }) => resume()));
    },
    statuspage: { provide: (names) => store.transaction(() => provideComponents(deps, names)) },
    prometheus: { inUse: prometheusInUse(deps) },
    async close() {
      closing.abort();
      await Promise.all([...servers.map(stop), mailbox.close()]);
      await store.close();
    },
  };
}

async function listen({ fetch }: Front): Promise<Server> {
  const server = createAdaptorServer({
    fetch: (request, env) => fetch(request, env as HttpBindings), // only HTTP/1, since the default server is used
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
