import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Program, startProgram } from './program.ts';
import type { Vendors } from './vendors.ts';

const TOKEN = 'bench-token';

/** The product, started as a user starts it, at time scale 1 unless it is told another. */
export type Product = Program & {
  /** @throws Error when the answer is not 2xx */
  request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
};

/** Services that are rolled back without a person, those that are when a person asks for it, and those that only page. */
export type Catalogue = { acting: readonly string[]; asking: readonly string[]; paging: readonly string[] };

/**
 * Starts it on the data and the configuration in `folder`, which `prepare` has laid out.
 *
 * @param env more of its environment
 */
export async function startProduct(
  folder: string,
  vendors: Vendors,
  env: Readonly<Record<string, string>> = {},
): Promise<Product> {
  const program = await startProgram('local/main.ts', {
    env: {
      PORT: '0',
      FIREBREAK_DATA_DIR: join(folder, 'data'),
      FIREBREAK_CONFIG_DIR: join(folder, 'config'),
      FIREBREAK_ADMIN_TOKEN: TOKEN,
      FIREBREAK_INGEST_TOKEN: `${TOKEN}-ingest`,
      PAGERDUTY_EVENTS_URL: vendors.pagerUrl,
      PAGERDUTY_ROUTING_KEY: 'bench'.padEnd(32, '0'),
      ...env,
    },
  });
  return { ...program, request: (...call) => request(program.url, ...call) };
}

/** Lays a folder out for `startProduct`: a catalogue, and no data. */
export async function prepare(folder: string, { acting, asking, paging }: Catalogue, vendors: Vendors): Promise<void> {
  const production = (mode: 'act' | 'suggest') => ({
    deployer: { kind: 'http', url: vendors.cdUrl },
    // The work is measured, not the pause in which alerts of other services may come.
    autoRollback: { mode, unknownMigration: 'act', settleSeconds: 0 },
  });
  const services: Record<string, object> = {};
  for (const name of acting) services[name] = { environments: { production: production('act') } };
  for (const name of asking) services[name] = { environments: { production: production('suggest') } };
  for (const name of paging) services[name] = { environments: { production: {} } };
  await mkdir(join(folder, 'config'), { recursive: true });
  await writeFile(join(folder, 'config', 'services.yaml'), JSON.stringify({ services })); // JSON is YAML
  // Each incident is measured by itself, however fast they follow each other.
  await writeFile(join(folder, 'config', 'routes.yaml'), 'manyAtOnce: off\nfailTogether: ignore\n');
}

async function request(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** v1 has been good for hours; v2 came out a few minutes before the alerts of `group` began. */
export const deployments = (service: string): object[] => [
  { service, environment: 'production', version: 'v1', started_at: minutesAgo(240), finished_at: minutesAgo(235) },
  { service, environment: 'production', version: 'v2', started_at: minutesAgo(8), finished_at: minutesAgo(5) },
];

/** A webhook of Alertmanager (version 4): `count` critical alerts of each service, which ask for a rollback. */
export function group(services: readonly string[], count = 1): object {
  const alerts = services.flatMap((service) =>
    Array.from({ length: count }, (_, number) => ({
      status: 'firing',
      labels: {
        alertname: 'HighErrorRatio',
        service,
        environment: 'production',
        severity: 'critical',
        action: 'auto-rollback',
        instance: `${service}-${number}`,
      },
      annotations: { summary: `${service} answers with errors` },
      startsAt: minutesAgo(1),
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus.test/graph',
      fingerprint: Buffer.from(`${service}/${number}`).toString('hex'),
    })),
  );
  return {
    version: '4',
    receiver: 'firebreak',
    status: 'firing',
    groupKey: '{}:{}',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://alertmanager.test',
    truncatedAlerts: 0,
    alerts,
  };
}

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
