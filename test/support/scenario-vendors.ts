import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo } from '../../local/aws/dynamodb/forward.ts';
import type { FaultRule } from '../../local/standins/faults.ts';
import { startStandIns, type Vendor } from '../../local/standins/index.ts';
import type { RecordedCall } from '../../local/standins/journal.ts';

/** Asked when a vendor has done what it was called for, and before it answers. False: no answer is sent. */
export type AfterEffect = (call: { method: string; path: string; body: string }) => Promise<boolean>;

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
  setFault(rule: FaultRule): Promise<void>;
  close(): Promise<void>;
};

export async function startVendors(options: { timeScale: number; afterEffect?: AfterEffect }): Promise<Vendors> {
  const { timeScale, afterEffect = async () => true } = options;
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-vendors-'));
  const standIns = await startStandIns({ dir, timeScale });
  const pagerduty = await relay(standIns.urls.pagerduty, afterEffect);
  const cd = await relay(standIns.urls.cd, afterEffect);

  const sandbox = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await standIns.app.request(`/sandbox${path}`, init);
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
    setFault: async (rule) => void (await sandbox('/faults', { method: 'PUT', body: JSON.stringify(rule) })),
    close: async () => {
      await Promise.all([pagerduty.close(), cd.close()]);
      await standIns.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Hands calls on, and asks between the effect and the answer. */
async function relay(to: string, afterEffect: AfterEffect): Promise<{ url: string; close(): Promise<void> }> {
  const { hostname, port } = new URL(to);
  const vendor = connectTo({ host: hostname, port: Number(port) });
  const handOn = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { method = 'GET', url: path = '/', headers } = req;
    const body = Buffer.concat(chunks);
    const reply = await vendor.send({ method, path, headers, body });
    if (!(await afterEffect({ method, path, body: body.toString() }))) return void res.socket?.resetAndDestroy();
    res.writeHead(reply.status, reply.headers).end(reply.body);
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
