/**
 * `npm run bench`: measures the product as a user starts it, over HTTP, beside a reference that does nothing but the
 * unavoidable; prints a table and writes bench/results.json. docs/performance.md explains the lines.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureChannels } from './channels.ts';
import { correlationResults, measureCorrelation } from './correlation.ts';
import { evaluationTable } from './evaluation/print.ts';
import { measureIntake, stormingServices } from './intake.ts';
import { prepare, startProduct } from './product.ts';
import { actingServices, measureResponse } from './response.ts';
import { type Report, type Result, table, thisMachine } from './results.ts';
import { made, measureFirstStart, measureStartAgain, startReference } from './start.ts';
import { startVendors } from './vendors.ts';

/** The whole run. What hangs is a result, too, and a bad one. */
const RUN_MAX_SECONDS = 300;

const RESULTS = join(import.meta.dirname, 'results.json');
const catalogue = { acting: actingServices, paging: stormingServices };

async function run(folder: string): Promise<Result[]> {
  const vendors = await startVendors();
  const [data, bare] = [join(folder, 'product'), await made(join(folder, 'reference'))];
  try {
    const first = await measureFirstStart(folder, (fresh) => prepare(fresh, catalogue, vendors), vendors);
    await prepare(data, catalogue, vendors);
    const [product, reference] = [await startProduct(data, vendors), await startReference(bare)];
    const inside = [
      ...(await measureResponse(product, reference, vendors)),
      ...(await measureIntake(product, reference, vendors)),
    ];
    await Promise.all([product.stop(), reference.stop()]);
    const incidents = actingServices.length + stormingServices.length;
    return [
      ...inside,
      ...first,
      ...(await measureStartAgain(data, bare, incidents, vendors)),
      ...(await measureChannels(await made(join(folder, 'channels')), vendors)),
    ];
  } finally {
    await vendors.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'firebreak-bench-'));
const end = (code: number) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code); // closes the channels to the programs, and those that still run end
};
const giveUp = (why: string) => {
  console.error(`bench: ${why}`);
  end(1);
};
setTimeout(() => giveUp(`stopped, since it took more than ${RUN_MAX_SECONDS} s`), RUN_MAX_SECONDS * 1000).unref();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => giveUp(signal));
process.once('disconnect', () => giveUp('the process that started it has gone'));
process.channel?.unref(); // to wait for that is no reason to stay

try {
  const at = new Date().toISOString();
  const correlation = measureCorrelation();
  console.log(evaluationTable(correlation.version));
  const results = [...correlationResults(correlation), ...(await run(folder))];
  const report: Report = { machine: thisMachine(), at, results };
  writeFileSync(RESULTS, `${JSON.stringify(report, null, 2)}\n`);
  console.log(table(report));
  end(0);
} catch (error) {
  giveUp(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
