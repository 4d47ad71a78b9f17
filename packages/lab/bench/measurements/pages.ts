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

const INCIDENTS = 1000;
const ENTRIES = 10_000;
const PUBLISHED = 300;

/** Measured requests of each page, and those before them that are not counted. */
const REQUESTS = 100;
const WARM_UP = 50;

const GOALS = [ratioAtMost(5)];

const components = names('Component', 30);

/** Measures pages of the console and the status page, one request after another, beside a static file of the same size. */
export async function* measurePages({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const share = isShort ? 10 : 1;
  const services = names('paged', INCIDENTS / share);
  const entries = ENTRIES / share;
  await prepare(folder, { acting: [], asking: [], paging: services }, vendors);
  await writeFile(
    join(folder, 'config', 'status-page.yaml'),
    JSON.stringify({ pages: { main: { title: 'Bench', components } } }),
  );
  const start = () => startProduct(folder, vendors, { FIREBREAK_SANDBOX: 'off' });
  await (await start()).stop(); // creates the file
  const { busy } = await storeIncidents(join(folder, 'data'), services, { entries, components, published: PUBLISHED });
  const [product, reference] = [await start(), await startReference(folder)];
  const [wire, bare] = [await wireTo(product.url), await wireTo(reference.url)];
  const pages = {
    [`console Now, ${services.length} open incidents, p50 ms`]: '/console',
    [`status page, ${PUBLISHED} incidents in 90 days, p50 ms`]: '/status',
    [`console, incident with ${entries} entries, p50 ms`]: `/console/incidents/${busy}`,
  };
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
