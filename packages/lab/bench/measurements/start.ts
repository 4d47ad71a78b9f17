import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DATABASE_FILE } from '../../../../platforms/sqlite/data-folder.ts';
import { names } from '../harness/incident.ts';
import type { Bench } from '../harness/part.ts';
import { untilIdle } from '../harness/process.ts';
import { prepare, startProduct } from '../harness/product.ts';
import { median } from '../harness/statistics.ts';
import { sendStorm, type Storm, untilPaged } from '../harness/storm.ts';
import { figure, type Measured, ratioAtMost } from '../results.ts';

/** Number of measurements of each start. */
const ROUNDS = 5;

const INCIDENTS = 1000;

const RATIO = 8;

/**
 * Measures the first start, and a start with open incidents, whose workflows wait. The reference is a process that does
 * nothing but open the same file, and read a row.
 */
export async function* measureStart({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const rounds = isShort ? 1 : ROUNDS;
  const storm: Storm = { services: names('waits', isShort ? 20 : INCIDENTS), alertsEach: 1 };
  const catalogue = { acting: [], asking: [], paging: storm.services };
  const folders = Array.from({ length: rounds }, (_, round) => join(folder, `${round}`));
  for (const each of folders) await prepare(each, catalogue, vendors);
  const [again = folder] = folders;

  const startsOf = async (those: readonly string[]) => {
    const [own, bare]: [number[], number[]] = [[], []];
    for (const each of those) {
      const product = await startProduct(each, vendors);
      own.push(product.readyMs);
      await product.stop();
      bare.push(openMillis(join(each, 'data', DATABASE_FILE)));
    }
    return [median(own), median(bare)] as const;
  };

  yield figure('start, empty → ready, ms', ...(await startsOf(folders)), [ratioAtMost(RATIO)], 0);

  const product = await startProduct(again, vendors);
  try {
    await sendStorm(product, storm);
    await untilPaged(vendors, storm);
    if (!isShort) await untilIdle(product.pid);
  } finally {
    await product.stop();
  }
  const name = `start, ${storm.services.length} open incidents → ready, ms`;
  yield figure(name, ...(await startsOf(folders.map(() => again))), [ratioAtMost(RATIO)], 0);
}

const OPEN = `
  const { DatabaseSync } = require('node:sqlite');
  const file = new DatabaseSync(process.argv[1]);
  file.prepare('SELECT item FROM items LIMIT 1').get();
`;

/** Returns the milliseconds of `node -e` with a script that opens the file. */
function openMillis(file: string): number {
  const began = performance.now();
  execFileSync(process.execPath, ['-e', OPEN, file]);
  return performance.now() - began;
}
