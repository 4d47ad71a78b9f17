import { join } from 'node:path';
import { ORGANISATION_ROLLBACKS_PER_HOUR } from '../domain/rollback/guards.ts';
import { alert, bareWays, names, recordDeployments, settled, WARM_UP, warmUp } from './incident.ts';
import { type Pair, withPair } from './pair.ts';
import { result, type Result } from './results.ts';
import { whileTimeLasts } from './rounds.ts';
import { median, percentile } from './statistics.ts';
import type { Vendors } from './vendors.ts';

/** Incidents that are measured, one after the other. */
const MEASURED = 60;

/** No batch begins after so long; on a quiet machine all have ended by then. */
const LAST_BATCH_SECONDS = 60;

/** Highest accepted ratio to the bare way; docs/performance.md says why. */
const TARGET = 8;

/** `acting`: the services that are measured. `asking`: those of the warm-up. */
type Batch = { acting: readonly string[]; asking: readonly string[] };

/**
 * An instance rolls back so many services an hour without a person, and asks about all others: from then on there is no
 * rollback to wait for. That is a guard, and no setting lifts it. So each batch has an instance of its own without any
 * data, and a person asks for the rollbacks of the warm-up, which are not counted.
 */
export const batches: readonly Batch[] = Array.from(
  { length: MEASURED / ORGANISATION_ROLLBACKS_PER_HOUR },
  (_, number) => ({
    acting: names(`acting-${number}`, ORGANISATION_ROLLBACKS_PER_HOUR),
    asking: names(`asking-${number}`, WARM_UP),
  }),
);

/** Milliseconds from the 202, as the sender received it, to the call: of the product, and of the bare way. */
type Sample = { ours: number; bare: number };
type Samples = { rollback: Sample; page: Sample };

/** From an accepted alert to the rollback and to the page, each incident followed by the bare way of both. */
export async function measureResponse(folder: string, vendors: Vendors): Promise<Result[]> {
  const measured = await whileTimeLasts('batches of alerts', LAST_BATCH_SECONDS, batches, async (batch, number) => {
    const own = join(folder, `batch-${number}`);
    const measure = (pair: Pair) => measureBatch(pair, vendors, batch);
    return (await withPair(own, { ...batch, paging: [] }, vendors, measure)).measured;
  });
  const samples = measured.flat();
  const [rollbacks, pages] = [samples.map(({ rollback }) => rollback), samples.map(({ page }) => page)];
  return [...both('alert accepted → rollback call sent', rollbacks), ...both('alert accepted → page sent', pages)];
}

async function measureBatch(pair: Pair, vendors: Vendors, { acting, asking }: Batch): Promise<Samples[]> {
  await recordDeployments(pair.product, acting);
  await warmUp(pair, vendors, asking);
  const samples: Samples[] = [];
  for (const service of acting) {
    const accepted = await alert(pair.product, service);
    const [rollback, page] = await Promise.all([vendors.rollback(service), vendors.page(service)]);
    await settled();
    const bare = await bareWays(pair.reference, vendors, service);
    samples.push({
      rollback: { ours: rollback.at - accepted, bare: bare.rollback },
      page: { ours: page.at - accepted, bare: bare.page },
    });
  }
  return samples;
}

function both(name: string, samples: readonly Sample[]): Result[] {
  const [ours, bare] = [samples.map((sample) => sample.ours), samples.map((sample) => sample.bare)];
  return [
    result(`${name}, median ms`, median(ours), median(bare), TARGET),
    result(`${name}, p95 ms`, percentile(ours, 95), percentile(bare, 95), TARGET),
  ];
}
