import { join } from 'node:path';
import { catalogue, type StoredStorms } from './intake.ts';
import { createFolder, startReference } from '../harness/pair.ts';
import { prepare, startProduct } from '../harness/product.ts';
import { result, type Result } from '../results.ts';
import { median } from '../harness/statistics.ts';
import type { Vendors } from '../harness/vendors.ts';

/** Number of measurements of each start. */
const ROUNDS = 3;

/** Highest accepted ratio; for the reasons, see docs/explanation/performance.md. */
const TARGET = 9;

/** Returns the folders for a start. */
type Folders = { product: (round: number) => Promise<string>; reference: (round: number) => Promise<string> };

/** Measures the first start: no data, and a configuration with as many services as the other start has incidents. */
export function measureFirstStart(folder: string, vendors: Vendors): Promise<Result[]> {
  return measure('start with an empty data folder → ready, median ms', vendors, {
    product: async (round) => {
      const fresh = join(folder, `first-${round}`);
      await prepare(fresh, catalogue, vendors);
      return fresh;
    },
    reference: (round) => createFolder(join(folder, `first-reference-${round}`)),
  });
}

/** Measures a start with the data of the storms: open incidents with suspended workflows. */
export function measureStartAgain({ folders, incidents }: StoredStorms, vendors: Vendors): Promise<Result[]> {
  return measure(`start with ${incidents} open incidents → ready, median ms`, vendors, {
    product: () => Promise.resolve(folders.product),
    reference: () => Promise.resolve(folders.reference),
  });
}

async function measure(name: string, vendors: Vendors, folders: Folders): Promise<Result[]> {
  const productMs: number[] = [];
  const referenceMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const product = await startProduct(await folders.product(round), vendors);
    productMs.push(product.readyMs);
    await product.stop();
    const reference = await startReference(await folders.reference(round));
    referenceMs.push(reference.readyMs);
    await reference.stop();
  }
  return [result(name, median(productMs), median(referenceMs), TARGET)];
}
