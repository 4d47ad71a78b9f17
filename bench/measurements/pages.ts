import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clientOf } from '../harness/client.ts';
import { names } from '../harness/incident.ts';
import { createFolder, startReference } from '../harness/pair.ts';
import { BENCH_TOKEN, prepare, startProduct } from '../harness/product.ts';
import { result, type Result } from '../results.ts';
import { whileTimeLasts } from '../harness/rounds.ts';
import { storeIncidents } from '../stored-incidents.ts';
import { median } from '../harness/statistics.ts';
import type { Vendors } from '../harness/vendors.ts';

const INCIDENTS = 1000;
const ENTRIES = 10_000;
const PUBLISHED = 300;

/** Measured requests of each page, and warm-up requests that are not counted. */
const REQUESTS = 30;
const WARM_UP = 10;

/** Time limit for the requests of each page. */
const LAST_SECONDS = 8;

/** Highest accepted ratios to the reference; for the reasons, see docs/explanation/performance.md. */
const TARGETS = { now: 25, incident: 8, filtered: 12, status: 6 };

const services = names('paged', INCIDENTS);
const components = names('Component', 30);

/** Measures pages of the console and the status page, one request after another, with bare reads of the same rows beside. */
export async function measurePages(folder: string, vendors: Vendors): Promise<Result[]> {
  const [productFolder, referenceFolder] = [join(folder, 'product'), await createFolder(join(folder, 'reference'))];
  await prepare(productFolder, { acting: [], asking: [], paging: services }, vendors);
  await writeFile(
    join(productFolder, 'config', 'status-page.yaml'),
    JSON.stringify({ pages: { main: { title: 'Bench', components } } }),
  );
  const start = () => startProduct(productFolder, vendors, { FIREBREAK_SANDBOX: 'off' });
  await (await start()).stop(); // creates the table
  const { busy } = await storeIncidents(join(productFolder, 'data'), services, {
    entries: ENTRIES,
    components,
    published: PUBLISHED,
  });
  const [product, reference] = [await start(), await startReference(referenceFolder)];
  const console = clientOf(product.url, { authorization: `Bearer ${BENCH_TOKEN}`, accept: 'text/html' });
  const referenceClient = clientOf(reference.url);
  const page = async (name: string, path: string, referencePath: string, target: number): Promise<Result> => {
    const measured = await whileTimeLasts(
      `requests of ${path}`,
      LAST_SECONDS,
      Array.from({ length: WARM_UP + REQUESTS }),
      async () => ({
        product: await milliseconds(() => console.send('GET', path)),
        reference: await milliseconds(() => referenceClient.send('POST', referencePath, {})),
      }),
    );
    const counted = measured.slice(Math.min(WARM_UP, Math.floor(measured.length / 2)));
    const medianOf = (side: 'product' | 'reference') => median(counted.map((one) => one[side]));
    return result(`${name}, median ms`, medianOf('product'), medianOf('reference'), target, 2);
  };
  try {
    const incident = `/console/incidents/${busy}`;
    return [
      await page(`console Now, ${INCIDENTS} open incidents`, '/console', '/page-now', TARGETS.now),
      await page(`console, incident with ${ENTRIES} entries`, incident, '/page-incident', TARGETS.incident),
      await page(
        `console, incident with ${ENTRIES} entries, timeline searched in vain`,
        `${incident}?text=not-there`,
        '/page-searched',
        TARGETS.filtered,
      ),
      await page(`status page, ${PUBLISHED} incidents in 90 days`, '/status', '/page-status', TARGETS.status),
    ];
  } catch (error) {
    throw new Error(`${String(error)}; output:\n${product.lastOutput()}`, { cause: error });
  } finally {
    console.close();
    referenceClient.close();
    await Promise.all([product.stop(), reference.stop()]);
  }
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
