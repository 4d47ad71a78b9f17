import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo, type ForwardedReply } from '../../local/aws/dynamodb/forward.ts';
import { startStandIns, type Vendor } from '../../local/standins/index.ts';
import type { RecordedCall } from '../../local/standins/journal.ts';

export type VendorCall = { method: string; path: string; body: string };

/** Stands around the effect of each call. Undefined: no answer is sent. */
export type AroundEffect = (
  call: VendorCall,
  effect: () => Promise<ForwardedReply>,
) => Promise<ForwardedReply | undefined>;

/** PagerDuty and a CD system that live on when the product dies, as the real ones do. */
export type Vendors = {
  /** What the product has to be told to call them. */
  env: Record<string, string>;
  /** Oldest first. */
  calls(vendor: Vendor): Promise<RecordedCall[]>;
  /** What PagerDuty has, oldest first. */
  pagerDutyIncidents(): Promise<{ incident_key: string; status: string }[]>;
  /** What the CD system takes for live, by service and environment. */
  live(): Promise<{ service: string; environment: string; version: string }[]>;
  close(): Promise<void>;
};

export async function startVendors(options: { timeScale: number; around?: AroundEffect }): Promise<Vendors> {
  const { timeScale, around = (_, effect) => effect() } = options;
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-vendors-'));
  const standIns = await startStandIns({ dir, timeScale });
  const pagerduty = await relay(standIns.urls.pagerduty, around);
  const cd = await relay(standIns.urls.cd, around);

  const sandbox = async <T>(path: string): Promise<T> => {
    const response = await standIns.app.request(`/sandbox${path}`);
    if (!response.ok) throw new Error(`/sandbox${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  return {
    env: {
      FIREBREAK_SANDBOX: 'off',
      PAGERDUTY_EVENTS_URL: pagerduty.url,
      PAGERDUTY_ROUTING_KEY: 'scenario000000000000000000000000',
      CD_URL: `${cd.url}/api/v1/rollback`,
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
      await Promise.all([pagerduty.close(), cd.close()]);
      await standIns.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function relay(to: string, around: AroundEffect): Promise<{ url: string; close(): Promise<void> }> {
  const { hostname, port } = new URL(to);
  const vendor = connectTo({ host: hostname, port: Number(port) });
  const handOn = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { method = 'GET', url: path = '/', headers } = req;
    const body = Buffer.concat(chunks);
    const effect = () => vendor.send({ method, path, headers, body });
    const reply = await around({ method, path, body: body.toString() }, effect);
    if (reply === undefined) res.socket?.resetAndDestroy();
    else res.writeHead(reply.status, reply.headers).end(reply.body);
  };
  const server = createServer((req, res) => {
    // The caller has died, or the vendor broke off (a fault that is wanted): the caller hears nothing either way.
    handOn(req, res).catch(() => res.socket?.resetAndDestroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      vendor.close();
    },
  };
}
