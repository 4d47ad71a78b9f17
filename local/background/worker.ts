import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { workerData } from 'node:worker_threads';
import { followDeployments } from '../../core/actions/changes/follow-deployments.ts';
import type { Compute } from '../../core/actions/reports/computed-reports.ts';
import { refuseInput, whileInProgress } from '../../core/actions/input-in-progress.ts';
import { systemClock as clock } from '../../functions/assembly/clock.ts';
import { assemble } from '../../functions/assembly/deps.ts';
import { createLog } from '../../functions/assembly/log.ts';
import { computeHere } from '../../functions/assembly/reports.ts';
import { QUEUE } from '../../functions/assembly/resources.ts';
import type { Product } from '../../functions/assembly/product.ts';
import { BackgroundPlatform } from '../../platforms/sqlite/background.ts';
import { Closers } from '../closers.ts';
import { flushCounts } from '../flush-counts.ts';
import { returnMemory } from '../memory.ts';
import { platformOptions } from '../platform-options.ts';
import type { OpenSettings, SandboxSettings, SettingsElsewhere } from '../sandbox.ts';
import { startBeating } from '../stalls/beats.ts';
import { secretAmong } from '../state/secrets.ts';
import { surviveRejections } from '../unhandled.ts';
import { consumersOf, executionsOf, jobsOf } from './programs.ts';
import {
  type BackgroundData,
  FIGURES,
  type FromBackground,
  type ReportAnswer,
  type ReportQuestion,
  type Start,
  sentError,
  type ToBackground,
} from './protocol.ts';

/**
 * The thread in which the platform calls the product: consumers of queues, workflows, and jobs. It puts together a product
 * of its own, as each function on AWS does, so that its work delays no request.
 */
const { port, beats, figures, logSettings } = workerData as BackgroundData;
const log = createLog(clock, logSettings);
const opened = new Closers();

let named: ReadonlySet<string> = new Set();
let starting: Promise<void> | undefined;
const { promise: computing, resolve: canCompute } = Promise.withResolvers<Compute>();

/** Nice value of this thread. The two threads that compete for the last core share it 3 to 1, and this one gets any other core. */
const NICE = 5;

/** Lets requests have the processor first. Only Linux has priorities of threads, and says which thread this is. */
function runBehindRequests(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICE);
  } catch {
    // Without a priority of its own, it works as well.
  }
}

async function start({ writer, platform: settings, product: productSettings, ...given }: Start): Promise<void> {
  runBehindRequests();
  opened.onClose(surviveRejections(log));
  for (const [key, reason] of given.refused) refuseInput(key, reason);
  named = given.secretNames;
  const sandbox = given.sandboxSettings && (await openSettings(given.sandboxSettings));
  const secret = (name: string) => sandbox?.get(name, process.env) ?? secretAmong(named, name, process.env);
  const running: { product?: Product } = {};
  const deps = (): Product => {
    if (running.product === undefined) throw new Error('nothing runs before the product is put together');
    return running.product;
  };
  const options = platformOptions(settings, log, secret);
  const platform = opened.add(
    await BackgroundPlatform.join(
      {
        ...options,
        deadLetterDays: QUEUE.deadLetterDays,
        onDamage: (error) => port.postMessage({ damage: sentError(error) } satisfies FromBackground),
        executions: { ...options.executions, ...executionsOf(deps) },
      },
      writer,
    ),
  );
  const product = assemble({ platform, settings: productSettings, clock, log });
  running.product = product;
  canCompute(computeHere(() => product));
  opened.onClose(() => flushCounts(product));
  opened.onClose(startBeating(beats, 'background'));
  opened.onClose(returnMemory()); // what it has now is without load
  opened.onClose(await platform.run({ consumers: consumersOf(product), jobs: jobsOf(product) }));
  opened.onClose(followDeployments(product));
  measure();
}

/** Opens the settings of the sandbox. It names their module, because the product does not know it. */
async function openSettings({ module, argument }: SettingsElsewhere): Promise<SandboxSettings> {
  const imported = (await import(module)) as { openSettings: OpenSettings };
  return opened.add(imported.openSettings(argument));
}

const MEASURE_EVERY_MS = 500;

/** Measures this thread, for the metrics that the main thread returns. */
function measure(): void {
  const delay = monitorEventLoopDelay();
  delay.enable();
  const timer = setInterval(() => {
    const { heapUsed, heapTotal } = process.memoryUsage();
    figures[FIGURES.lagMaxSeconds] = Math.max(figures[FIGURES.lagMaxSeconds] ?? 0, delay.max / 1e9);
    delay.reset();
    figures[FIGURES.heapUsedBytes] = heapUsed;
    figures[FIGURES.heapTotalBytes] = heapTotal;
  }, MEASURE_EVERY_MS).unref();
  opened.onClose(() => clearInterval(timer));
}

async function stop(): Promise<void> {
  await starting;
  await opened.close();
  port.postMessage('stopped' satisfies FromBackground);
}

/** Computes a report, as soon as the product is put together. */
async function answer({ number, report }: ReportQuestion): Promise<void> {
  const send = (result: ReportAnswer['result']) => port.postMessage({ number, result } satisfies FromBackground);
  try {
    const compute = await computing;
    const describe = () => ({ kind: 'job', name: `report ${report.name}` }) as const;
    send({ ok: true, value: await whileInProgress(describe, () => compute(report)) });
  } catch (error) {
    send({ ok: false, error: sentError(error) });
  }
}

/** An error ends the thread, and with it the process. */
const endWith = (error: unknown): void => {
  queueMicrotask(() => {
    throw error;
  });
};

port.on('message', (message: ToBackground) => {
  if (message === 'stop') stop().catch(endWith);
  else if ('secretNames' in message) named = message.secretNames;
  else if ('report' in message) void answer(message);
  else {
    starting = start(message.start);
    starting.catch(endWith);
  }
});
