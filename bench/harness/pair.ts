import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Catalogue, prepare, type Product, startProduct } from './product.ts';
import { type Program, startProgram } from './program.ts';
import type { Vendors } from './vendors.ts';

const REFERENCE = fileURLToPath(new URL('../reference.ts', import.meta.url));

/** The product, and the small server with which it is compared (`bench/reference.ts`), running in parallel. */
export type Pair = { product: Product; reference: Program };

/** Data folders of both. */
export type PairFolders = { product: string; reference: string };

/**
 * Starts both without data, and stops both when `measure` has ended.
 *
 * @param folder new folder for the data of both
 */
export async function withPair<T>(
  folder: string,
  catalogue: Catalogue,
  vendors: Vendors,
  measure: (pair: Pair) => Promise<T>,
): Promise<{ measured: T; folders: PairFolders }> {
  const folders = { product: join(folder, 'product'), reference: await createFolder(join(folder, 'reference')) };
  await prepare(folders.product, catalogue, vendors);
  const product = await startProduct(folders.product, vendors);
  const reference = await startReference(folders.reference);
  try {
    return { measured: await measure({ product, reference }), folders };
  } finally {
    await Promise.all([product.stop(), reference.stop()]);
  }
}

export const startReference = (folder: string) => startProgram(REFERENCE, { args: [folder] });

export async function createFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return folder;
}
