import { join } from 'node:path';
import { DATABASE_FILE } from '../../../../platforms/sqlite/data-folder.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { names } from '../harness/incident.ts';
import type { Bench } from '../harness/part.ts';
import { BENCH_TOKEN, group, prepare, startProduct } from '../harness/product.ts';
import { median, percentile } from '../harness/statistics.ts';
import { prepared, type Wire, wireTo } from '../harness/wire.ts';
import { figure, type Measured, valueAtMost } from '../results.ts';
import { steadily } from '../steady.ts';
import { storeDeploys } from '../stored-deploys.ts';
import { withTable } from '../table.ts';

const DEPLOYS = 12_000;
const SERVICES = 320;

/** Readers who ask at the same time for the same report. */
const READERS = 40;

/** Alerts meanwhile. All are of one incident, so that its workflow is no part of the load. */
const ALERTS_PER_SECOND = 20;
const SECONDS = 20;

const REPORTS = ['/console/digest', '/console/delivery', '/v1/metrics/dora', '/v1/slos', '/metrics'];
const GOALS = [valueAtMost(50)];

/** Measures reports over 12,000 deploys for 40 readers at the same time, and the alerts that are accepted meanwhile. */
export async function* measureReaders({ folder, vendors, isShort, seconds }: Bench): AsyncIterable<Measured> {
  const services = names('read', SERVICES);
  const deploys = isShort ? DEPLOYS / 10 : DEPLOYS;
  const duration = seconds ?? (isShort ? 5 : SECONDS);
  await prepare(folder, { acting: [], asking: [], paging: services }, vendors);
  const start = () => startProduct(folder, vendors, { FIREBREAK_SANDBOX: 'off' });
  await (await start()).stop(); // creates the file
  await withTable(
    (table) => storeDeploys(table, services, { count: deploys, now: timestamp(Date.now()) }),
    join(folder, 'data', DATABASE_FILE),
  );
  const product = await start();
  const wires: Wire[] = [];
  const open = async (): Promise<Wire> => {
    const wire = await wireTo(product.url);
    wires.push(wire);
    return wire;
  };
  try {
    const authorization = `Bearer ${BENCH_TOKEN}`;
    const body = JSON.stringify(group(services.slice(0, 1)));
    const alert = prepared('POST', '/v1/alerts/alertmanager', { authorization }, body);
    const sender = await open();
    await sender.send(alert);
    let last: Promise<unknown> = Promise.resolve();
    const send = (): Promise<void> => {
      const sent = last.then(() => sender.send(alert)).then(() => undefined);
      last = sent.catch(() => undefined);
      return sent;
    };
    const readers = await Promise.all(Array.from({ length: READERS }, open));
    const alerts = steadily(ALERTS_PER_SECOND, duration, send);
    const name = `${READERS} readers, ${deploys} deploys`;
    for (const path of REPORTS) {
      const page = prepared('GET', path, { authorization, accept: path.startsWith('/console') ? 'text/html' : '*/*' });
      const [first, again] = [await waitsOf(readers, page), await waitsOf(readers.slice(0, 1), page)];
      yield figure(`${name}: ${path}, at the same time, p50 ms`, median(first), null, []);
      yield figure(`${name}: ${path}, afterwards, ms`, median(again), null, GOALS);
    }
    const { waited, failed } = await alerts;
    const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
    yield figure(`${name} → alerts that were not accepted`, failures, null, [valueAtMost(0)]);
    yield figure(`${name} → alert accepted, p50 ms`, percentile(waited, 50), null, GOALS);
    yield figure(`${name} → alert accepted, p99 ms`, percentile(waited, 99), null, []);
  } catch (error) {
    throw new Error(`${String(error)}; output:\n${product.lastOutput()}`, { cause: error });
  } finally {
    for (const wire of wires) wire.close();
    await product.stop();
  }
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
