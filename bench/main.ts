/**
 * `npm run bench`: measures the product as a user starts it, over HTTP, beside a reference that does nothing but the
 * unavoidable; prints a table and writes bench/results.json. docs/performance.md explains the lines.
 *
 * `npm run bench -- load [SECONDS]`: checks under load alone, for a minute unless it says otherwise; writes nothing.
 * `npm run bench -- flood`: the flood of unknown alerts alone; writes nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureChannels } from './channels.ts';
import { correlationBeside, correlationResults } from './correlation.ts';
import { evaluationTable } from '../evaluation/print.ts';
import { measureFlood } from './flood.ts';
import { measureFreezeCheck } from './freeze-check.ts';
import { measureIntake } from './intake.ts';
import { measureLoad } from './load.ts';
import { measureResponse } from './response.ts';
import { type Report, type Result, table, thisMachine } from './results.ts';
import { measureFirstStart, measureStartAgain } from './start.ts';
import { startVendors, type Vendors } from './vendors.ts';

/** The whole run. What hangs is a result, too, and a bad one. */
const RUN_MAX_SECONDS = 420;

/** Of checks under load: as a part of the whole, and alone. */
const LOAD_SECONDS = 10;
const LOAD_ALONE_SECONDS = 60;
const LOAD_MAX_SECONDS = 200;

const RESULTS = join(import.meta.dirname, 'results.json');

async function everything(folder: string, vendors: Vendors): Promise<Result[]> {
  const response = await part('alerts', measureResponse(folder, vendors));
  const { results: intake, left } = await part('storms', measureIntake(folder, vendors));
  const flood = await part('flood', measureFlood(join(folder, 'flood'), vendors));
  const first = await part('first starts', measureFirstStart(folder, vendors));
  const again = await part('starts again', measureStartAgain(left, vendors));
  const checks = await part('checks', measureFreezeCheck(folder, vendors));
  const load = await part('checks under load', measureLoad(folder, vendors, LOAD_SECONDS));
  // The judging takes a processor half a minute: it is done while nothing but Slack's limit is waited for.
  const channels = join(folder, 'channels');
  const { results, done } = await part('channels', measureChannels(channels, vendors, correlationBeside));
  console.log(`${evaluationTable(done.version)}\n`);
  return [
    ...correlationResults(done),
    ...response,
    ...intake,
    ...flood,
    ...first,
    ...again,
    ...checks,
    ...load,
    ...results,
  ];
}

/** What the command line asks for: undefined is everything. */
function asked([only, seconds = `${LOAD_ALONE_SECONDS}`]: readonly string[]): 'flood' | number | undefined {
  if (only === undefined || only === 'flood') return only;
  const number = Number(seconds);
  if (only !== 'load' || !Number.isInteger(number) || number < LOAD_SECONDS || number > LOAD_MAX_SECONDS)
    throw new Error(
      `npm run bench takes nothing, or: -- flood, or: -- load [SECONDS], from ${LOAD_SECONDS} to ${LOAD_MAX_SECONDS} of them`,
    );
  return number;
}

function measure(folder: string, vendors: Vendors, only: ReturnType<typeof asked>): Promise<Result[]> {
  if (only === undefined) return everything(folder, vendors);
  return only === 'flood' ? measureFlood(join(folder, 'flood'), vendors) : measureLoad(folder, vendors, only);
}

/** Tells of each part when it has ended: all of them take minutes. */
async function part<T>(name: string, measured: Promise<T>): Promise<T> {
  const began = performance.now();
  const results = await measured;
  console.error(`bench: ${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return results;
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
  const only = asked(process.argv.slice(2));
  const vendors = await startVendors();
  const results = await measure(folder, vendors, only);
  const report: Report = { machine: thisMachine(), at, results };
  if (only === undefined) writeFileSync(RESULTS, `${JSON.stringify(report, null, 2)}\n`);
  console.log(table(report));
  end(0);
} catch (error) {
  giveUp(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
