/**
 * `npm run bench`: measures the product as a user starts it, over HTTP, and a reference that does only unavoidable work.
 * Prints a table, and on an idle machine writes it to bench/results.json and docs/explanation/performance.md, which explains
 * the lines.
 *
 * `npm run bench -- load [SECONDS]`: only checks under load, by default for a minute; writes nothing.
 * `npm run bench -- pages`: only the pages of the console and the status page; writes nothing.
 * `npm run bench -- decisions`: only the time to decide; writes nothing.
 * `npm run bench -- simulation`: only what-if over 10,000 alerts; writes nothing.
 * `npm run bench -- delivery`: only the delivery figures of a year; writes nothing.
 * `npm run bench -- flood`: only the flood of alerts of unknown services; writes nothing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureChannels } from './measurements/channels.ts';
import { measureDecisions } from './measurements/decisions.ts';
import { correlationInThreads, correlationResults } from './measurements/correlation.ts';
import { evaluationTable } from '../evaluation/print.ts';
import { measureDelivery } from './measurements/delivery.ts';
import { measureFlood } from './measurements/flood.ts';
import { measureFreezeCheck } from './measurements/freeze-check.ts';
import { measureIntake } from './measurements/intake.ts';
import { measureLoad } from './measurements/load.ts';
import { measurePages } from './measurements/pages.ts';
import { measureResponse } from './measurements/response.ts';
import { type Report, type Result, table, thisMachine, withResults } from './results.ts';
import { measureSimulation } from './measurements/simulation.ts';
import { measureFirstStart, measureStartAgain } from './measurements/start.ts';
import { startVendors, type Vendors } from './harness/vendors.ts';

/** Time limit of the whole run. A hang is a failure. */
const RUN_MAX_SECONDS = 420;

/** Durations of checks under load: as part of the whole run, and alone. */
const LOAD_SECONDS = 10;
const LOAD_ALONE_SECONDS = 60;
const LOAD_MAX_SECONDS = 200;

const RESULTS = join(import.meta.dirname, 'results.json');
const PAGE = join(import.meta.dirname, '../docs/explanation/performance.md');

/** Highest load average of an idle machine, of the last minute and for each core. */
const IDLE_LOAD_MAX = 0.5;

/** Returns whether the machine is idle, so that the results are worth keeping; prints it if not. */
function isIdle(): boolean {
  const [[load = 0], cores] = [loadavg(), availableParallelism()];
  const isSo = load <= IDLE_LOAD_MAX * cores;
  if (!isSo)
    console.error(
      `bench: the machine is busy (load average ${load.toFixed(1)} on ${cores} cores), so the results are printed but not written: run it again when the machine is idle`,
    );
  return isSo;
}

function write(report: Report): void {
  writeFileSync(RESULTS, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(PAGE, withResults(readFileSync(PAGE, 'utf8'), report));
}

async function measureAll(folder: string, vendors: Vendors): Promise<Result[]> {
  const response = await timedPart('alerts', measureResponse(folder, vendors));
  const { results: intake, stored } = await timedPart('storms', measureIntake(folder, vendors));
  const flood = await timedPart('flood', measureFlood(join(folder, 'flood'), vendors));
  const first = await timedPart('first starts', measureFirstStart(folder, vendors));
  const again = await timedPart('starts again', measureStartAgain(stored, vendors));
  const checks = await timedPart('checks', measureFreezeCheck(folder, vendors));
  const load = await timedPart('checks under load', measureLoad(folder, vendors, LOAD_SECONDS));
  const pages = await timedPart('pages', measurePages(join(folder, 'pages'), vendors));
  const decisions = await timedPart('decisions', measureDecisions());
  const simulation = await timedPart('what-if', measureSimulation());
  // The evaluation takes half a minute of CPU, so it runs while only Slack's rate limit is waited for.
  const channels = join(folder, 'channels');
  const { results, done } = await timedPart('channels', measureChannels(channels, vendors, correlationInThreads));
  console.log(`${evaluationTable(done.version)}\n`);
  return [
    ...correlationResults(done),
    ...decisions,
    ...simulation,
    ...response,
    ...intake,
    ...flood,
    ...first,
    ...again,
    ...checks,
    ...load,
    ...pages,
    ...results,
  ];
}

/** Parses the command line. Undefined: run everything. */
function selection([only, seconds = `${LOAD_ALONE_SECONDS}`]: readonly string[]):
  | 'decisions'
  | 'delivery'
  | 'flood'
  | 'pages'
  | 'simulation'
  | number
  | undefined {
  if (only === undefined || only === 'decisions' || only === 'delivery' || only === 'simulation') return only;
  if (only === 'flood' || only === 'pages') return only;
  const number = Number(seconds);
  if (only !== 'load' || !Number.isInteger(number) || number < LOAD_SECONDS || number > LOAD_MAX_SECONDS)
    throw new Error(
      `usage: npm run bench [-- decisions | -- delivery | -- simulation | -- flood | -- pages | -- load [SECONDS]], with SECONDS from ${LOAD_SECONDS} to ${LOAD_MAX_SECONDS}`,
    );
  return number;
}

function measure(folder: string, vendors: Vendors, only: ReturnType<typeof selection>): Promise<Result[]> {
  if (only === undefined) return measureAll(folder, vendors);
  if (only === 'decisions') return measureDecisions();
  if (only === 'delivery') return measureDelivery();
  if (only === 'simulation') return measureSimulation();
  if (only === 'pages') return measurePages(join(folder, 'pages'), vendors);
  return only === 'flood' ? measureFlood(join(folder, 'flood'), vendors) : measureLoad(folder, vendors, only);
}

/** Runs a part and prints its duration, because the whole run takes minutes. */
async function timedPart<T>(name: string, measured: Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const results = await measured;
  console.error(`bench: ${name} took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  return results;
}

const folder = mkdtempSync(join(tmpdir(), 'firebreak-bench-'));
const end = (code: number) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code); // closes the IPC channels, which ends programs that still run
};
const failWith = (why: string) => {
  console.error(`bench: ${why}`);
  end(1);
};
setTimeout(() => failWith(`stopped after the time limit of ${RUN_MAX_SECONDS} s`), RUN_MAX_SECONDS * 1000).unref();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => failWith(signal));
process.once('disconnect', () => failWith('the parent process has ended'));
process.channel?.unref(); // the channel must not keep this process alive

try {
  const at = new Date().toISOString();
  const only = selection(process.argv.slice(2));
  const isWritten = only === undefined && isIdle();
  const vendors = await startVendors();
  const results = await measure(folder, vendors, only);
  const report: Report = { machine: thisMachine(), at, results };
  if (isWritten) write(report);
  console.log(table(report));
  end(0);
} catch (error) {
  failWith(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
