import { join } from 'node:path';
import { ORGANISATION_ROLLBACKS_PER_HOUR } from '../../domain/rollback/guards.ts';
import { alert, measureReference, names, recordDeployments, settled, WARM_UP, warmUp } from '../harness/incident.ts';
import { type Pair, withPair } from '../harness/pair.ts';
import { result, type Result } from '../results.ts';
import { whileTimeLasts } from '../harness/rounds.ts';
import { median, percentile } from '../harness/statistics.ts';
import type { Vendors } from '../harness/vendors.ts';

/** Measured incidents, one after another. */
const MEASURED = 60;

/** Time limit for starting batches; an idle machine finishes all of them. */
const LAST_BATCH_SECONDS = 60;

/** Highest accepted ratio to the reference; for the reasons, see docs/explanation/performance.md. */
const TARGET = 8;

/** `acting`: measured services. `asking`: services of the warm-up. */
type Batch = { acting: readonly string[]; asking: readonly string[] };

/**
 * Automatic rollbacks per hour and instance. Above this limit, which no setting changes, the product asks a person, so there
 * is no rollback to measure. Therefore, each batch has a new instance without data, and a person requests the rollbacks of
 * the warm-up, which do not count.
 */
export const batches: readonly Batch[] = Array.from(
  { length: MEASURED / ORGANISATION_ROLLBACKS_PER_HOUR },
  (_, number) => ({
    acting: names(`acting-${number}`, ORGANISATION_ROLLBACKS_PER_HOUR),
    asking: names(`asking-${number}`, WARM_UP),
  }),
);

/** Milliseconds from the sender's receipt of the 202 to the call, of the product and of the reference. */
type Sample = { product: number; reference: number };
type Samples = { rollback: Sample; page: Sample };

/** Measures the time from an accepted alert to rollback and page. Each incident is followed by both references. */
export async function measureResponse(folder: string, vendors: Vendors): Promise<Result[]> {
  const measured = await whileTimeLasts('batches of alerts', LAST_BATCH_SECONDS, batches, async (batch, number) => {
    const batchFolder = join(folder, `batch-${number}`);
    const measure = (pair: Pair) => measureBatch(pair, vendors, batch);
    return (await withPair(batchFolder, { ...batch, paging: [] }, vendors, measure)).measured;
  });
  const samples = measured.flat();
  const [rollbacks, pages] = [samples.map(({ rollback }) => rollback), samples.map(({ page }) => page)];
  return [
    ...medianAndP95('alert accepted → rollback call sent', rollbacks),
    ...medianAndP95('alert accepted → page sent', pages),
  ];
}

async function measureBatch(pair: Pair, vendors: Vendors, { acting, asking }: Batch): Promise<Samples[]> {
  await recordDeployments(pair.product, acting);
  await warmUp(pair, vendors, asking);
  const samples: Samples[] = [];
  for (const service of acting) {
    const accepted = await alert(pair.product, service);
    const [rollback, page] = await Promise.all([vendors.rollback(service), vendors.page(service)]);
    await settled();
    const reference = await measureReference(pair.reference, vendors, service);
    samples.push({
      rollback: { product: rollback.at - accepted, reference: reference.rollback },
      page: { product: page.at - accepted, reference: reference.page },
    });
  }
  return samples;
}

function medianAndP95(name: string, samples: readonly Sample[]): Result[] {
  const [product, reference] = [samples.map((sample) => sample.product), samples.map((sample) => sample.reference)];
  return [
    result(`${name}, median ms`, median(product), median(reference), TARGET),
    result(`${name}, p95 ms`, percentile(product, 95), percentile(reference, 95), TARGET),
  ];
}
