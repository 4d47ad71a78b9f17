import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo, type ForwardedReply } from '../forward.ts';
import { startStandIns, type Vendor } from '../../../packages/sandbox/core/index.ts';
import type { RecordedCall } from '../../../packages/sandbox/core/journal.ts';
import { SANDBOX_PAGE_ID } from '../../../packages/sandbox/statuspage/statuspage.ts';

export type VendorCall = { vendor: Vendor; method: string; path: string; body: string };

/** Wraps the effect of each call. Returns undefined to send no response. */
export type AroundEffect = (
  call: VendorCall,
  effect: () => Promise<ForwardedReply>,
) => Promise<ForwardedReply | undefined>;

/** PagerDuty, a CD system, and the vendors that show incidents. Like real ones, they survive the product's death. */
export type Vendors = {
  /** The environment variables with which the product uses them. */
  env: Record<string, string>;
  /** Returns recorded calls, oldest first. */
  calls(vendor: Vendor): Promise<RecordedCall[]>;
  /** Returns PagerDuty's incidents, oldest first. */
  pagerDutyIncidents(): Promise<{ incident_key: string; status: string }[]>;
  /** Returns the running versions in the CD system, by service and environment. */
  live(): Promise<{ service: string; environment: string; version: string }[]>;
  /** Requests an endpoint of a stand-in's sandbox, such as `/slack/channels`, as JSON. @param body sent with `PUT`, or with `method` */
  sandbox: <T>(path: string, body?: object, method?: 'PUT' | 'POST') => Promise<T>;
  /** Requests an object of the Kubernetes cluster as an administrator. @param create the object to create */
  cluster: (path: string, create?: object) => Promise<any>;
  close(): Promise<void>;
};

export type VendorOptions = {
  timeScale: number;
  around?: AroundEffect;
  /** Whether Slack, Statuspage, Grafana, and GitHub are on. */
  channels?: boolean;
  /** Whether LaunchDarkly and a Kubernetes cluster are on. */
  flags?: boolean;
  /** The vendors' clock. Milliseconds since the Unix epoch. */
  now?: () => number;
};

export async function startVendors(options: VendorOptions): Promise<Vendors> {
  const { timeScale, around = (_, effect) => effect(), channels = false, flags = false, now = Date.now } = options;
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-vendors-'));
  const standIns = await startStandIns({ dir, timeScale, now });
  const relays: Relay[] = [];
  const urlOf = async (vendor: Vendor): Promise<string> => {
    const one = await relay(vendor, standIns.urls[vendor], around);
    relays.push(one);
    return one.url;
  };

  const sandbox = async <T>(path: string, body?: object, method: 'PUT' | 'POST' = 'PUT'): Promise<T> => {
    const init = body && { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await standIns.app.request(`/sandbox${path}`, init);
    if (!response.ok) throw new Error(`/sandbox${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  if (channels) {
    await standIns.statuspage.provide(['Checkout']);
    await sandbox('/slack/channels', { name: 'payments' });
  }
  const pagerduty = await urlOf('pagerduty');
  const cd = await urlOf('cd');
  return {
    env: {
      FIREBREAK_SANDBOX: 'off',
      PAGERDUTY_EVENTS_URL: pagerduty,
      PAGERDUTY_ROUTING_KEY: 'scenario000000000000000000000000',
      CD_URL: `${cd}/api/v1/rollback`,
      TRAFFIC_URL: `${cd}/api/v1/traffic`,
      // People on call are invited to the channel.
      ...(channels && { PAGERDUTY_API_URL: pagerduty, PAGERDUTY_API_TOKEN: 'scenario' }),
      ...(channels && (await channelUrls(urlOf))),
      ...(flags && { LAUNCHDARKLY_API_URL: await urlOf('launchdarkly'), LAUNCHDARKLY_TOKEN: 'scenario' }),
      ...(flags && { KUBERNETES_URL: await urlOf('kubernetes'), KUBERNETES_TOKEN: 'scenario' }),
    },
    sandbox,
    cluster: async (path, create) => {
      const headers = { authorization: 'Bearer an-administrator', 'content-type': 'application/json' };
      const init = create && { method: 'POST', body: JSON.stringify(create) };
      const response = await fetch(standIns.urls.kubernetes + path, { headers, ...init });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },
    calls: async (vendor) =>
      (await sandbox<{ items: RecordedCall[] }>(`/calls?vendor=${vendor}&limit=10000`)).items.toReversed(),
    pagerDutyIncidents: async () => {
      const response = await fetch(`${standIns.urls.pagerduty}/incidents?limit=100`, {
        headers: { authorization: 'Token token=scenario' },
      });
      return ((await response.json()) as { incidents: { incident_key: string; status: string }[] }).incidents;
    },
    live: async () =>
      (await sandbox<{ items: { service: string; environment: string; version: string }[] }>('/cd/live')).items,
    close: async () => {
      await Promise.all(relays.map(({ close }) => close()));
      await standIns.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const channelUrls = async (urlOf: (vendor: Vendor) => Promise<string>): Promise<Record<string, string>> => ({
  SLACK_API_URL: `${await urlOf('slack')}/api/`,
  SLACK_BOT_TOKEN: 'xoxb-scenario',
  STATUSPAGE_API_URL: `${await urlOf('statuspage')}/v1`,
  STATUSPAGE_API_KEY: 'scenario',
  STATUSPAGE_PAGE_ID: SANDBOX_PAGE_ID,
  GRAFANA_URL: await urlOf('grafana'),
  GRAFANA_TOKEN: 'scenario',
  GITHUB_API_URL: await urlOf('github'),
  GITHUB_TOKEN: 'scenario',
});

type Relay = { url: string; close(): Promise<void> };

async function relay(vendor: Vendor, to: string, around: AroundEffect): Promise<Relay> {
  const { hostname, port } = new URL(to);
  const connection = connectTo({ host: hostname, port: Number(port) });
  const handOn = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { method = 'GET', url: path = '/', headers } = req;
    const body = Buffer.concat(chunks);
    const effect = () => connection.send({ method, path, headers, body });
    const reply = await around({ vendor, method, path, body: body.toString() }, effect);
    if (reply === undefined) res.socket?.resetAndDestroy();
    else res.writeHead(reply.status, reply.headers).end(reply.body);
  };
  const server = createServer((req, res) => {
    // The caller has died, or the vendor has disconnected (an intended fault). The caller gets no response in both
    // cases.
    handOn(req, res).catch(() => res.socket?.resetAndDestroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      connection.close();
    },
  };
}
