import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PRODUCT_OPTIONS } from '../../../../scripts/setup.mjs';
import { type Program, startProgram } from './program.ts';
import type { Vendors } from './vendors.ts';

export const BENCH_TOKEN = 'bench-token';

/** The product, started as a user starts it, by default at time scale 1. */
export type Product = Program & {
  /** @throws Error if the response is not 2xx */
  request(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<unknown>;
};

/** Services that are rolled back automatically, services that are rolled back on request, and services that only page. */
export type Catalogue = { acting: readonly string[]; asking: readonly string[]; paging: readonly string[] };

/**
 * Starts the product with the data and configuration in `folder`, created by `prepare`.
 *
 * @param env additional environment variables
 */
export async function startProduct(
  folder: string,
  vendors: Vendors,
  env: Readonly<Record<string, string>> = {},
): Promise<Product> {
  return startIn(folder, {
    PAGERDUTY_EVENTS_URL: vendors.pagerUrl,
    PAGERDUTY_ROUTING_KEY: 'bench'.padEnd(32, '0'),
    ...env,
  });
}

/**
 * Starts the product with the data and configuration in `folder`.
 *
 * @param env additional environment variables
 */
export async function startIn(
  folder: string,
  env: Readonly<Record<string, string>>,
  nodeArgs: string[] = [],
): Promise<Product> {
  const program = await startProgram('dist/sandbox.mjs', {
    nodeArgs: [...PRODUCT_OPTIONS, ...nodeArgs],
    env: {
      PORT: '0',
      FIREBREAK_DATA_DIR: join(folder, 'data'),
      FIREBREAK_CONFIG_DIR: join(folder, 'config'),
      FIREBREAK_ADMIN_TOKEN: BENCH_TOKEN,
      FIREBREAK_INGEST_TOKEN: `${BENCH_TOKEN}-ingest`,
      ...env,
    },
  });
  return {
    ...program,
    request: (...call) =>
      request(program.url, ...call).catch((error: unknown) => {
        throw new Error(`${String(error)}; output:\n${program.lastOutput()}`, { cause: error });
      }),
  };
}

/** Creates a folder for `startProduct` with a catalogue and no data. */
export async function prepare(folder: string, { acting, asking, paging }: Catalogue, vendors: Vendors): Promise<void> {
  const production = (mode: 'act' | 'suggest') => ({
    deployer: { kind: 'http', url: vendors.cdUrl },
    // Measures the work without the wait for alerts of other services.
    autoRollback: { mode, evidence: 'time', unknownMigration: 'act', settleSeconds: 0 },
  });
  const services: Record<string, object> = {};
  for (const name of acting) services[name] = { environments: { production: production('act') } };
  for (const name of asking) services[name] = { environments: { production: production('suggest') } };
  for (const name of paging) services[name] = { environments: { production: {} } };
  await mkdir(join(folder, 'config'), { recursive: true });
  await writeFile(join(folder, 'config', 'services.yaml'), JSON.stringify({ services })); // JSON is YAML
  // Measures each incident separately, even if they follow each other quickly.
  await writeFile(join(folder, 'config', 'routes.yaml'), 'manyAtOnce: off\nfailTogether: ignore\n');
}

async function request(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${BENCH_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Returns two deployments: v1 was good for hours, v2 was deployed a few minutes before the alerts of `group`. */
export const deployments = (service: string): object[] => [
  { service, environment: 'production', version: 'v1', started_at: minutesAgo(240), finished_at: minutesAgo(235) },
  { service, environment: 'production', version: 'v2', started_at: minutesAgo(8), finished_at: minutesAgo(5) },
];

/** Returns an Alertmanager webhook (version 4) with `count` critical alerts of each service that request a rollback. */
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
  return webhookOf('firing', alerts);
}

/** Returns an Alertmanager webhook (version 4) with these alerts. */
export const webhookOf = (status: 'firing' | 'resolved', alerts: readonly object[]): object => ({
  version: '4',
  receiver: 'firebreak',
  status,
  groupKey: '{}:{}',
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://alertmanager.test',
  truncatedAlerts: 0,
  alerts,
});

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
