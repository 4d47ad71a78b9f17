import { join } from 'node:path';
import { ORGANISATION_ROLLBACKS_PER_HOUR } from '../../../../core/domain/rollback/guard-facts.ts';
import { alert, measureReference, names, recordDeployments, settled, WARM_UP, warmUp } from '../harness/incident.ts';
import { type Pair, withPair } from '../harness/pair.ts';
import type { Bench } from '../harness/part.ts';
import { percentile } from '../harness/statistics.ts';
import type { Vendors } from '../harness/vendors.ts';
import { figure, type Measured, ratioAtMost, valueAtMost } from '../results.ts';

/** Measured incidents, one after another. */
const MEASURED = 60;

/** Highest accepted ratio to the reference, and milliseconds on an idle machine. */
const RATIO = 2.5;
const GOALS = { page: 40, rollback: 80 };

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
export async function* measureResponse({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const samples: Samples[] = [];
  for (const [number, all] of batches.slice(0, isShort ? 1 : undefined).entries()) {
    const batch = isShort ? { acting: all.acting.slice(0, 3), asking: all.asking.slice(0, 1) } : all;
    const measured = withPair(join(folder, `${number}`), { ...batch, paging: [] }, vendors, (pair) =>
      measureBatch(pair, vendors, batch),
    );
    for await (const sample of measured) samples.push(sample);
  }
  for (const call of ['page', 'rollback'] as const) {
    const [product, reference] = [samples.map((one) => one[call].product), samples.map((one) => one[call].reference)];
    for (const percent of [50, 99])
      yield figure(
        `alert accepted → ${call === 'page' ? 'page' : 'rollback call'} (settleSeconds: 0), p${percent} ms`,
        percentile(product, percent),
        percentile(reference, percent),
        [ratioAtMost(RATIO), valueAtMost(GOALS[call])],
      );
  }
}

async function* measureBatch(pair: Pair, vendors: Vendors, { acting, asking }: Batch): AsyncIterable<Samples> {
  await recordDeployments(pair.product, acting);
  await warmUp(pair, vendors, asking);
  for (const service of acting) {
    const accepted = await alert(pair.product, service);
    const [rollback, page] = await Promise.all([vendors.rollback(service), vendors.page(service)]);
    await settled();
    const reference = await measureReference(pair.reference, vendors, service);
    yield {
      rollback: { product: rollback.at - accepted, reference: reference.rollback },
      page: { product: page.at - accepted, reference: reference.page },
    };
  }
}
