import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGES } from '../../../../entrances/console/pages/index.ts';
import { names } from '../harness/incident.ts';
import type { Bench } from '../harness/part.ts';
import { BENCH_TOKEN, deployments, group, type Product, startProduct } from '../harness/product.ts';
import { median } from '../harness/statistics.ts';
import { prepared, type Wire, wireTo } from '../harness/wire.ts';
import { figure, type Measured, valueAtMost } from '../results.ts';

const SERVICES = 200;
const ENVIRONMENTS = ['production', 'staging', 'eu', 'us', 'asia'];

/** Services that are rolled back after an approval. */
const ASKING = 10;

/** Measured requests of each page, and those before them that are not counted. */
const REQUESTS = 20;
const WARM_UP = 5;

const GOALS = [valueAtMost(50)];

/**
 * Measures the first byte of each page of the console, as a browser asks for it, with 200 services and an open incident in each of
 * their five environments. A page is sent at once, so that its first byte is not sent before its last one is known.
 */
export async function* measureFirstBytes({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const own = join(folder, 'first-bytes');
  const services = names('listed', isShort ? SERVICES / 10 : SERVICES);
  await mkdir(join(own, 'config'), { recursive: true });
  const catalogue = Object.fromEntries(
    services.map((name, n) => [name, { team: `team-${n % 10}`, environments: environmentsOf(n, vendors.cdUrl) }]),
  );
  await writeFile(join(own, 'config', 'services.yaml'), JSON.stringify({ services: catalogue }));
  await writeFile(join(own, 'config', 'routes.yaml'), 'manyAtOnce: off\nfailTogether: ignore\n');
  const product = await startProduct(own, vendors, { FIREBREAK_SANDBOX: 'off' });
  let wire: Wire | undefined;
  try {
    await open(product, services);
    wire = await wireTo(product.url);
    for (const path of await pathsOf(product, services[0] ?? '')) {
      const headers = { authorization: `Bearer ${BENCH_TOKEN}`, accept: 'text/html', 'accept-encoding': 'gzip' };
      const page = prepared('GET', path, headers);
      const waited: number[] = [];
      for (let n = 0; n < REQUESTS + WARM_UP; n += 1) {
        const began = performance.now();
        await wire.send(page);
        waited.push(performance.now() - began);
      }
      const shown = path.replace(/[0-9A-Z]{26}|INC-\d+/, 'ID').replace(services[0] ?? '', 'SERVICE');
      yield figure(`first byte of ${shown}, p50 ms`, median(waited.slice(WARM_UP)), null, GOALS);
    }
  } catch (error) {
    throw new Error(`${String(error)}; output:\n${product.lastOutput()}`, { cause: error });
  } finally {
    wire?.close();
    await product.stop();
  }
}

const environmentsOf = (number: number, url: string): object =>
  Object.fromEntries(
    ENVIRONMENTS.map((environment) => [
      environment,
      {
        deployer: { kind: 'http', url },
        autoRollback: { mode: number < ASKING ? 'approve' : 'suggest', evidence: 'time', unknownMigration: 'act' },
      },
    ]),
  );

/** Records two deploys of each service, and opens an incident in each environment. Resolves when all of them are judged. */
async function open(product: Product, services: readonly string[]): Promise<void> {
  for (const service of services)
    for (const deployment of deployments(service)) await product.request('POST', '/v1/deployments', deployment);
  for (const environment of ENVIRONMENTS)
    for (const service of services)
      await product.request('POST', '/v1/alerts/alertmanager', inEnvironment(group([service]), environment));
  for (;;) {
    const { items } = (await product.request('GET', '/v1/incidents?limit=1')) as { items: { decisions: unknown[] }[] };
    const metrics = await (await fetch(`${product.url}/metrics`)).text();
    const pending = /^firebreak_incidents_pending(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1];
    if ((items[0]?.decisions.length ?? 0) > 0 && (pending ?? '0') === '0') return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const inEnvironment = (webhook: object, environment: string): object =>
  JSON.parse(
    JSON.stringify(webhook)
      .replaceAll('"environment":"production"', `"environment":"${environment}"`)
      .replaceAll(/"fingerprint":"/g, `"fingerprint":"${Buffer.from(environment).toString('hex')}`),
  ) as object;

/** Returns the addresses of all pages: those of lists, and those of a service and of an incident. */
async function pathsOf(product: Product, service: string): Promise<string[]> {
  const { items } = (await product.request('GET', '/v1/incidents?limit=1')) as { items: { id: string }[] };
  return [
    ...PAGES.map(({ path }) => path).filter((path) => !path.includes(':')),
    `/console/services/${service}`,
    `/console/incidents/${items[0]?.id ?? ''}`,
  ];
}
