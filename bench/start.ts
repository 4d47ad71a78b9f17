import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProduct } from './product.ts';
import { startProgram } from './program.ts';
import { result, type Result } from './results.ts';
import { median } from './statistics.ts';
import type { Vendors } from './vendors.ts';

/** How often each start is measured. */
const ROUNDS = 3;

/** Highest accepted ratio; docs/performance.md says why. */
const TARGET = 5;

const REFERENCE = fileURLToPath(new URL('reference.ts', import.meta.url));

/** Gives the folders that a start is measured on. */
type Folders = { product: (round: number) => Promise<string>; reference: (round: number) => Promise<string> };

/** The first start: no data yet. `layOut` makes a folder with a configuration. */
export function measureFirstStart(folder: string, layOut: (folder: string) => Promise<void>, vendors: Vendors) {
  return measure('start with an empty data folder → ready, median ms', vendors, {
    product: async (round) => {
      const fresh = join(folder, `first-${round}`);
      await layOut(fresh);
      return fresh;
    },
    reference: (round) => made(join(folder, `first-reference-${round}`)),
  });
}

/** A start on the data of the run before: its incidents are open and their workflows suspended. */
export function measureStartAgain(folder: string, referenceFolder: string, incidents: number, vendors: Vendors) {
  return measure(`start with ${incidents} open incidents → ready, median ms`, vendors, {
    product: () => Promise.resolve(folder),
    reference: () => Promise.resolve(referenceFolder),
  });
}

async function measure(name: string, vendors: Vendors, folders: Folders): Promise<Result[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const product = await startProduct(await folders.product(round), vendors);
    ours.push(product.readyMs);
    await product.stop();
    const reference = await startReference(await folders.reference(round));
    bare.push(reference.readyMs);
    await reference.stop();
  }
  return [result(name, median(ours), median(bare), TARGET)];
}

export const startReference = (folder: string) => startProgram(REFERENCE, { args: [folder] });

export async function made(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return folder;
}
