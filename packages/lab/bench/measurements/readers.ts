import { writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DATABASE_FILE } from '../../../../platforms/sqlite/data-folder.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { getPaths } from '../get-paths.ts';
import { names } from '../harness/incident.ts';
import type { Bench } from '../harness/part.ts';
import { memoryOf, untilIdle } from '../harness/process.ts';
import { BENCH_TOKEN, group, prepare, startProduct } from '../harness/product.ts';
import { objectives, startPrometheus } from '../harness/prometheus.ts';
import { median, percentile } from '../harness/statistics.ts';
import { prepared, type Wire, wireTo } from '../harness/wire.ts';
import { figure, type Measured, valueAtMost } from '../results.ts';
import { steadily } from '../steady.ts';
import { storeDeploys } from '../stored-deploys.ts';
import { storeIncidents } from '../stored-incidents.ts';
import { withTable } from '../table.ts';

const DEPLOYS = 12_000;
const SERVICES = 320;
const OPEN_INCIDENTS = 300;
const OBJECTIVES = 100;

/** Readers who ask at the same time for the same report. */
const READERS = 40;

/** Alerts meanwhile. All are of one incident, so that its workflow is no part of the load. */
const ALERTS_PER_SECOND = 20;
const SECONDS = 20;

const REPORTS = ['/console/digest', '/console/delivery', '/v1/metrics/dora', '/v1/slos', '/metrics'];
const GOALS = [valueAtMost(50)];

/** Requests of each address, one after another, and the time of those that are shown one by one. */
const REQUESTS = 5;
const SHOWN_FROM_MS = 10;

/**
 * Measures reports over 12,000 deploys, 300 open incidents, and 100 objectives for 40 readers at the same time, all other
 * addresses that can be read, and the alerts that are accepted meanwhile.
 */
export async function* measureReaders({ folder, vendors, isShort, seconds }: Bench): AsyncIterable<Measured> {
  const share = isShort ? 10 : 1;
  const services = names('read', SERVICES / share);
  const open = services.slice(0, OPEN_INCIDENTS / share);
  const [deploys, duration] = [DEPLOYS / share, seconds ?? (isShort ? 5 : SECONDS)];
  await prepare(folder, { acting: [], asking: [], paging: services }, vendors);
  await mkdir(join(folder, 'config', 'slos'), { recursive: true });
  await writeFile(join(folder, 'config', 'slos', 'bench.yaml'), objectives(services.slice(0, OBJECTIVES / share), 1));
  const prometheus = await startPrometheus();
  const start = () => startProduct(folder, vendors, { FIREBREAK_SANDBOX: 'off', PROMETHEUS_URL: prometheus.url });
  await (await start()).stop(); // creates the file
  const { busy } = await storeIncidents(join(folder, 'data'), open, { entries: 200 });
  await withTable(
    (table) => storeDeploys(table, services, { count: deploys, now: timestamp(Date.now()) }),
    join(folder, 'data', DATABASE_FILE),
  );
  const product = await start();
  const wires: Wire[] = [];
  const opened = async (): Promise<Wire> => {
    const wire = await wireTo(product.url);
    wires.push(wire);
    return wire;
  };
  try {
    const name = `${READERS} readers, ${deploys} deploys`;
    const authorization = `Bearer ${BENCH_TOKEN}`;
    const pageAt = (path: string) =>
      prepared('GET', path, { authorization, accept: path.startsWith('/console') ? 'text/html' : '*/*' });
    const body = JSON.stringify(group(services.slice(-1)));
    const alert = prepared('POST', '/v1/alerts/alertmanager', { authorization }, body);
    if (!isShort) await untilIdle(product.pid);
    const idle = memoryOf(product.pid);
    const sender = await opened();
    await sender.send(alert);
    let last: Promise<unknown> = Promise.resolve();
    const send = (): Promise<void> => {
      const sent = last.then(() => sender.send(alert)).then(() => undefined);
      last = sent.catch(() => undefined);
      return sent;
    };
    const readers = await Promise.all(Array.from({ length: READERS }, opened));
    const alerts = steadily(ALERTS_PER_SECOND, duration, send);
    for (const path of REPORTS) {
      const page = pageAt(path);
      const [first, again] = [await waitsOf(readers, page), await waitsOf(readers.slice(0, 1), page)];
      yield figure(`${name}: ${path}, at the same time, p50 ms`, median(first), null, []);
      yield figure(`${name}: ${path}, afterwards, ms`, median(again), null, GOALS);
    }
    yield figure(`${name} → memory, MB, beside idle`, memoryOf(product.pid), idle, []);
    yield* addressesOf(
      readers.slice(0, 1),
      pageAt,
      getPaths(await product.request('GET', '/openapi.json'), {
        service: services[0] ?? '',
        slo: `${services[0]}-route-0`,
        incident: busy,
      }),
    );
    const { waited, failed } = await alerts;
    const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
    yield figure(`${name} → alerts that were not accepted`, failures, null, [valueAtMost(0)]);
    yield figure(`${name} → alert accepted, p50 ms`, percentile(waited, 50), null, GOALS);
    yield figure(`${name} → alert accepted, p99 ms`, percentile(waited, 99), null, []);
  } catch (error) {
    throw new Error(`${String(error)}; output:\n${product.lastOutput()}`, { cause: error });
  } finally {
    for (const wire of wires) wire.close();
    prometheus.close();
    await product.stop();
  }
}

/** Measures each address by itself. The first request of each is not counted: it computes a report that others share. */
async function* addressesOf(
  reader: readonly Wire[],
  pageAt: (path: string) => Buffer,
  paths: readonly string[],
): AsyncIterable<Measured> {
  let others = 0;
  let slowest = 0;
  for (const path of paths) {
    const waits: number[] = [];
    try {
      for (let n = 0; n <= REQUESTS; n += 1) waits.push(...(await waitsOf(reader, pageAt(path))));
    } catch {
      continue; // it names what does not exist
    }
    const waited = median(waits.slice(1));
    if (waited >= SHOWN_FROM_MS) yield figure(`GET ${path}, p50 ms`, waited, null, GOALS);
    else [others, slowest] = [others + 1, Math.max(slowest, waited)];
  }
  yield figure(`GET of ${others} other addresses, the slowest, p50 ms`, slowest, null, GOALS);
}

/** Returns the milliseconds that each reader waits. */
const waitsOf = (readers: readonly Wire[], page: Buffer): Promise<number[]> =>
  Promise.all(
    readers.map(async (wire) => {
      const began = performance.now();
      await wire.send(page);
      return performance.now() - began;
    }),
  );
