import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Catalogue, prepare, type Product, startProduct } from './product.ts';
import { type Program, startProgram } from './program.ts';
import type { Vendors } from './vendors.ts';

const REFERENCE = fileURLToPath(new URL('../reference.ts', import.meta.url));

/** The product, and the small server with which it is compared (`bench/reference.ts`), running in parallel. */
export type Pair = { product: Product; reference: Program };

/**
 * Starts both without data, and stops both when `measure` has ended.
 *
 * @param folder for the data of both
 */
export async function* withPair<T>(
  folder: string,
  catalogue: Catalogue,
  vendors: Vendors,
  measure: (pair: Pair) => AsyncIterable<T>,
): AsyncIterable<T> {
  await prepare(join(folder, 'product'), catalogue, vendors);
  const product = await startProduct(join(folder, 'product'), vendors);
  const reference = await startReference(folder);
  try {
    yield* measure({ product, reference });
  } finally {
    await Promise.all([product.stop(), reference.stop()]);
  }
}

/** Starts it with a folder of its own in this one. */
export async function startReference(folder: string): Promise<Program> {
  const own = join(folder, 'reference');
  await mkdir(join(own, 'files'), { recursive: true });
  return startProgram(REFERENCE, { args: [own] });
}
