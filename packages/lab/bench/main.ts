/**
 * `npm run bench`: measures the product as it runs in production, over HTTP, beside references in the same run. Prints a table,
 * and on an idle machine writes it to packages/lab/results/results.json, docs/explanation/performance.md, which explains the
 * figures, and docs/explanation/memory.svg.
 *
 * `npm run bench -- PART…`: only these parts; the results of the others stay.
 * `npm run bench -- load 120`, `npm run bench -- memory 1800`: with this many seconds of load.
 * `npm run bench -- short`: all parts with few repetitions, to see that they work; writes nothing.
 *
 * A part that fails is one line of the table. Fails only if there is one; a goal that is not reached is no failure.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { globSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from '../../../scripts/build.ts';
import type { Bench, Part } from './harness/part.ts';
import { stopAll } from './harness/program.ts';
import { startVendors } from './harness/vendors.ts';
import { memoryPlot } from './memory-plot.ts';
import { measureBundles } from './measurements/bundles.ts';
import { measureChannels } from './measurements/channels.ts';
import { measureChecks } from './measurements/checks.ts';
import { measureCorrelation } from './measurements/correlation.ts';
import { measureDecisions } from './measurements/decisions.ts';
import { measureFlood } from './measurements/flood.ts';
import { measureIntake } from './measurements/intake.ts';
import { measureLoad } from './measurements/load.ts';
import { measureMemory } from './measurements/memory.ts';
import { measurePages } from './measurements/pages.ts';
import { measureReaders } from './measurements/readers.ts';
import { measureResponse } from './measurements/response.ts';
import { measureSize } from './measurements/size.ts';
import { measureStart } from './measurements/start.ts';
import { measureStorm } from './measurements/storm.ts';
import { isFigure, type Line, type Measured, merged, type Report, table, thisMachine, withResults } from './results.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const RESULTS = join(ROOT, 'packages/lab/results/results.json');
const PAGE = join(ROOT, 'docs/explanation/performance.md');
const MEMORY = join(ROOT, 'docs/explanation/memory.svg');

/** The parts of a whole run, in this order. */
const PARTS: Readonly<Record<string, Part>> = {
  intake: measureIntake,
  response: measureResponse,
  checks: measureChecks,
  load: measureLoad,
  storm: measureStorm,
  flood: measureFlood,
  start: measureStart,
  memory: measureMemory,
  pages: measurePages,
  readers: measureReaders,
  size: measureSize,
  bundles: measureBundles,
};

/** Parts that run only by name: they do not depend on the platform, or take minutes. */
const OTHERS: Readonly<Record<string, Part>> = {
  channels: ({ folder, vendors }) => oneByOne(measureChannels(folder, vendors)),
  correlation: () => oneByOne(measureCorrelation()),
  decisions: () => oneByOne(measureDecisions()),
  ...(await partsOfFeatures()),
};

/** Returns the parts of features, each with its name: `measure` in `features/NAME/test/bench.ts`. */
async function partsOfFeatures(): Promise<Record<string, Part>> {
  const files = globSync('features/*/test/bench.ts', { cwd: ROOT });
  const parts = files.map(async (file): Promise<[string, Part]> => {
    const { measure } = (await import(join(ROOT, file))) as { measure(bench: Bench): MeasuredByFeature };
    return [basename(dirname(dirname(file))), (bench) => oneByOne(measure(bench))];
  });
  return Object.fromEntries(await Promise.all(parts));
}

type MeasuredByFeature = Promise<Measured[]> | AsyncIterable<Measured>;

async function* oneByOne(measured: MeasuredByFeature): AsyncIterable<Measured> {
  yield* await measured;
}

/** Time limit of a part, besides the seconds of the command line. A hang is a failure. */
const PART_MAX_SECONDS = 600;

/** Highest load average of an idle machine, of the last minute and for each core. */
const IDLE_LOAD_MAX = 0.5;

/** Returns whether the machine is idle, so that the results are worth keeping; prints it if not. */
function isIdle(): boolean {
  const [[load = 0], cores] = [loadavg(), availableParallelism()];
  if (load <= IDLE_LOAD_MAX * cores) return true;
  console.error(
    `bench: the machine is busy (load average ${load.toFixed(1)} on ${cores} cores), so the results are printed but not written: run it again when the machine is idle`,
  );
  return false;
}

const everything = { ...PARTS, ...OTHERS };

/** Parses the command line. `names` empty: all parts. */
function selection(args: readonly string[]): { names: string[]; isShort: boolean; seconds: number | undefined } {
  const names = args.filter((arg) => arg in everything);
  const numbers = args.filter((arg) => /^\d+$/.test(arg)).map(Number);
  const isShort = args.includes('short');
  const known = names.length + numbers.length + (isShort ? 1 : 0);
  if (known < args.length || numbers.length > 1 || (numbers.length > 0 && names.length !== 1))
    throw new Error(
      `usage: npm run bench [-- [short] [PART…] | -- PART SECONDS], with PART one of ${Object.keys(everything).join(', ')}`,
    );
  return { names, isShort, seconds: numbers[0] };
}

/** Returns the lines of a part; after those before an error, one that says why it failed. */
async function linesOf(part: string, bench: Omit<Bench, 'folder'>, folder: string): Promise<Line[]> {
  const lines: Line[] = [];
  const began = performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const maxSeconds = PART_MAX_SECONDS + (bench.seconds ?? 0);
  const timer = setTimeout(() => reject(new Error(`stopped after ${maxSeconds} s`)), maxSeconds * 1000);
  const measure = async (): Promise<void> => {
    await mkdir(folder);
    const measured = everything[part]?.({ ...bench, folder }) ?? [];
    for await (const one of measured) lines.push('value' in one ? { part, ...one } : { part, ...one, isFault: false });
  };
  try {
    await Promise.race([measure(), late]);
  } catch (error) {
    console.error(`bench: ${part} failed: ${error instanceof Error ? error.stack : String(error)}`);
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    lines.push({ part, name: part, why, isFault: true });
  }
  clearTimeout(timer);
  await stopAll();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  console.error(`bench: ${part} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return lines;
}

/** Returns the lines of the last accepted run: those that are committed, or else those of the file. */
async function acceptedLines(): Promise<Line[]> {
  const committed = (): string =>
    execFileSync('git', ['show', 'HEAD:packages/lab/results/results.json'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const text = await Promise.try(committed).catch(() => readFile(RESULTS, 'utf8'));
  return (JSON.parse(text) as Partial<Report>).lines ?? [];
}

async function write(report: Report): Promise<void> {
  const { lines: before = [] } = JSON.parse(await readFile(RESULTS, 'utf8')) as Partial<Report>;
  const all = { ...report, lines: merged(before, report.lines, Object.keys(PARTS)) };
  await writeFile(RESULTS, `${JSON.stringify(all, null, 2)}\n`);
  await writeFile(PAGE, withResults(await readFile(PAGE, 'utf8'), all));
  const curve = all.lines.filter(isFigure).find(({ perSecond }) => perSecond !== undefined)?.perSecond;
  if (curve !== undefined) await writeFile(MEMORY, memoryPlot(curve, 'Memory before, in, and after a storm'));
}

const folder = await mkdtemp(join(tmpdir(), 'firebreak-bench-'));
const end = (code: number): never => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code); // closes the IPC channels, which ends programs that still run
};
const failWith = (why: string): never => {
  console.error(`bench: ${why}`);
  return end(1);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => failWith(signal));
process.once('disconnect', () => failWith('the parent process has ended'));
process.channel?.unref(); // the channel must not keep this process alive

try {
  const at = new Date().toISOString();
  const { names, isShort, seconds } = selection(process.argv.slice(2));
  const isWritten = isIdle() && !isShort;
  const accepted = await acceptedLines();
  await build();
  const vendors = await startVendors();
  const lines: Line[] = [];
  for (const part of names.length > 0 ? names : Object.keys(PARTS))
    lines.push(...(await linesOf(part, { vendors, isShort, seconds }, join(folder, part))));
  const report: Report = { machine: thisMachine(), at, lines };
  if (isWritten) await write(report);
  console.log(table(report, accepted));
  const failed = lines.filter((line) => 'isFault' in line && line.isFault).length;
  if (isShort) console.log(`${lines.length - failed} passed, ${failed} failed`);
  end(failed > 0 ? 1 : 0);
} catch (error) {
  failWith(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
