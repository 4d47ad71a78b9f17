import { getHeapStatistics } from 'node:v8';
import { MessageChannel, SHARE_ENV, Worker } from 'node:worker_threads';
import { metricLine } from '../process-metrics.ts';
import type { ThreadName } from '../stalls/protocol.ts';
import type { Compute } from '../../core/actions/reports/computed-reports.ts';
import {
  type BackgroundData,
  FIGURES,
  type FromBackground,
  receivedError,
  type ReportAnswer,
  sentError,
  type Start,
  type ToBackground,
} from './protocol.ts';

/** The thread in which the platform calls the product (`worker.ts`), as the main thread sees it. */
export type Background = {
  /** Starts to call the product, as soon as its code is loaded. Requests don't wait for that: they are stored. */
  run(start: Start): void;
  /** Changes the secrets that the configuration names. */
  nameSecrets(names: ReadonlySet<string>): void;
  /** Computes a report there. Before `run`, it waits. */
  compute: Compute;
  metrics(): string;
  /** Ends what runs, and then the thread. */
  close(): Promise<void>;
  /** Resolves if the thread has ended by itself. */
  failed: Promise<Error>;
};

const MEBIBYTE = 2 ** 20;

type BackgroundOptions = Pick<BackgroundData, 'beats' | 'logSettings'> & {
  /** Called with each damage of the database that it finds: the main thread responds to requests about readiness. */
  onDamage: (error: Error) => void;
};

/**
 * Creates the background thread, which begins to load its code.
 *
 * @param beats of the watch for stalls
 */
export function createBackground({ beats, logSettings, onDamage }: BackgroundOptions): Background {
  // A channel of its own: through that of the thread, Node sends its messages, too, for example with `--watch`.
  const { port1: port, port2 } = new MessageChannel();
  const figures = new Float64Array(new SharedArrayBuffer(Object.keys(FIGURES).length * Float64Array.BYTES_PER_ELEMENT));
  const thread = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'background' satisfies ThreadName,
    workerData: { port: port2, beats, figures, logSettings } satisfies BackgroundData,
    transferList: [port2],
    env: SHARE_ENV, // settings of stand-ins and generated credentials are added to it at the start
    resourceLimits: { maxOldGenerationSizeMb: Math.floor(getHeapStatistics().heap_size_limit / MEBIBYTE) }, // as the main thread
  });
  let thrown: Error | undefined;
  let isClosing = false;
  thread.on('error', (error: Error) => (thrown = error));
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const failed = new Promise<Error>((resolve) => {
    void exited.then(() => {
      if (!isClosing)
        resolve(new Error(`the background thread has ended: ${thrown?.message ?? 'for no known reason'}`));
    });
  });
  const send = (message: ToBackground, transfer: Start['writer'][] = []) => port.postMessage(message, transfer);
  let hasStarted = false;
  const { promise: stopped, resolve: hasStopped } = Promise.withResolvers<void>();
  const answers = new Map<number, (result: ReportAnswer['result']) => void>();
  let asked = 0;
  port.on('message', (message: FromBackground) => {
    if (message === 'stopped') return hasStopped();
    if ('damage' in message) return onDamage(receivedError(message.damage));
    answers.get(message.number)?.(message.result);
    answers.delete(message.number);
  });
  void exited.then(() => {
    for (const answer of answers.values())
      answer({ ok: false, error: sentError(new Error('the background thread has ended')) });
    answers.clear();
  });
  return {
    failed,
    run: (start) => {
      hasStarted = true;
      send({ start }, [start.writer]);
    },
    nameSecrets: (secretNames) => send({ secretNames }),
    compute: async (report) => {
      asked += 1;
      const number = asked;
      const result = await new Promise<ReportAnswer['result']>((resolve) => {
        answers.set(number, resolve);
        send({ number, report });
      });
      if (result.ok) return result.value;
      throw receivedError(result.error);
    },
    metrics: () => {
      const [lag, used, total] = figures;
      figures[FIGURES.lagMaxSeconds] = 0;
      return [
        metricLine(
          'firebreak_background_eventloop_lag_max_seconds',
          'gauge',
          'Longest event loop delay of the background thread since the last scrape',
          lag ?? 0,
        ),
        metricLine('firebreak_background_heap_size_used_bytes', 'gauge', 'Its used heap', used ?? 0),
        metricLine('firebreak_background_heap_size_total_bytes', 'gauge', 'Its reserved heap', total ?? 0),
      ].join('');
    },
    close: async () => {
      isClosing = true;
      const before = thrown;
      if (hasStarted) {
        send('stop');
        await Promise.race([stopped, exited]);
      }
      await thread.terminate();
      port.close();
      if (thrown !== before) throw new Error('the background thread could not stop', { cause: thrown });
    },
  };
}
