import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { names } from '../harness/incident.ts';
import { startReference } from '../harness/pair.ts';
import type { Bench } from '../harness/part.ts';
import { BENCH_TOKEN, prepare, startProduct } from '../harness/product.ts';
import { median } from '../harness/statistics.ts';
import { prepared, wireTo } from '../harness/wire.ts';
import { figure, type Measured, ratioAtMost } from '../results.ts';
import { storeIncidents } from '../stored-incidents.ts';
import { measureFirstBytes } from './first-bytes.ts';

const INCIDENTS = 1000;
const ENTRIES = 10_000;

/** Measured requests of each page, and those before them that are not counted. */
const REQUESTS = 100;
const WARM_UP = 50;

const GOALS = [ratioAtMost(5)];

/** Measures pages of the console. */
export async function* measurePages(bench: Bench): AsyncIterable<Measured> {
  const share = bench.isShort ? 10 : 1;
  const services = names('paged', INCIDENTS / share);
  const entries = ENTRIES / share;
  yield* measureAddresses(bench, services, async () => {
    const { busy } = await storeIncidents(join(bench.folder, 'data'), services, { entries });
    return {
      [`console Now, ${services.length} open incidents, p50 ms`]: '/console',
      [`console, incident with ${entries} entries, p50 ms`]: `/console/incidents/${busy}`,
    };
  });
  yield* measureFirstBytes(bench);
}

/**
 * Measures pages, one request after another, beside a static file of the same size.
 *
 * @param store writes what they show into the folder of a product that has been stopped. Returns their paths by the names
 *   of their figures
 */
export async function* measureAddresses(
  { folder, vendors, isShort }: Bench,
  services: readonly string[],
  store: () => Promise<Readonly<Record<string, string>>>,
): AsyncIterable<Measured> {
  const share = isShort ? 10 : 1;
  await prepare(folder, { acting: [], asking: [], paging: services }, vendors);
  const start = () => startProduct(folder, vendors, { FIREBREAK_SANDBOX: 'off' });
  await (await start()).stop(); // creates the file
  const pages = await store();
  const [product, reference] = [await start(), await startReference(folder)];
  const [wire, bare] = [await wireTo(product.url), await wireTo(reference.url)];
  try {
    for (const [number, [name, path]] of Object.entries(pages).entries()) {
      const page = prepared('GET', path, { authorization: `Bearer ${BENCH_TOKEN}`, accept: 'text/html' });
      const bytes = await wire.send(page);
      await writeFile(join(folder, 'reference', 'files', `${number}`), 'x'.repeat(bytes));
      const file = prepared('GET', `/${number}`);
      const [own, other]: [number[], number[]] = [[], []];
      for (let n = 0; n < (REQUESTS + WARM_UP) / share; n += 1) {
        own.push(await milliseconds(() => wire.send(page)));
        other.push(await milliseconds(() => bare.send(file)));
      }
      const measured = (all: readonly number[]) => median(all.slice(WARM_UP / share));
      yield figure(name, measured(own), measured(other), GOALS, 3);
    }
  } catch (error) {
    throw new Error(`${String(error)}; output:\n${product.lastOutput()}`, { cause: error });
  } finally {
    wire.close();
    bare.close();
    await Promise.all([product.stop(), reference.stop()]);
  }
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
