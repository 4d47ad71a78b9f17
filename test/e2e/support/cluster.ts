import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { expect } from 'vitest';
import { kubernetes } from '../../../packages/sandbox/kubernetes/kubernetes.ts';

export const ROLLOUTS = '/apis/argoproj.io/v1alpha1/namespaces/default/rollouts';

/** An API server outside the product, so that it outlives it. Its controllers act at once. */
export async function startCluster() {
  const db = new DatabaseSync(':memory:');
  db.exec(kubernetes.tables);
  const deps = { db, now: () => Date.now(), timeScale: 1 };
  const [app, sandbox] = [kubernetes.app(deps), kubernetes.sandbox(deps)];
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const json = { 'content-type': 'application/json' };
  const control = async (method: string, path: string, body: object) => {
    const response = await sandbox.request(path, { method, body: JSON.stringify(body), headers: json });
    expect([response.status, await response.clone().text()]).toEqual([200, expect.anything()]);
  };
  const ask = async (method: string, path: string, body?: object): Promise<any> => {
    const headers = { authorization: 'Bearer an-administrator', ...json };
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return response.json();
  };
  await control('PUT', '/settings', { observe_ms: 0, rollout_ms: 0 });
  return { url, control, ask, close: () => void server.close() };
}

export type Cluster = Awaited<ReturnType<typeof startCluster>>;

/** Deploys a version, as a pipeline would. */
export async function deploy(
  { control, ask }: Cluster,
  name: string,
  version: string,
  more: object = {},
): Promise<void> {
  await control('POST', '/deploy', { name, image: `registry.test/shop:${version}`, ...more });
  // The controllers act when the API is next asked.
  for (let request = 0; request < 3; request += 1) await ask('GET', ROLLOUTS);
}
