import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

const LOOK_EVERY_MS = 5000;

/** Share of time in which a quiet thread does something. After a storm, it tells chats for minutes, as fast as they permit. */
const QUIET_UTILIZATION = 0.25;

/** Looks one after another at a quiet thread. */
const QUIET_LOOKS = 4;

/** How much of its memory without load a heap can take before it is worth a pause of about 0.1 s to return it. */
const GROWN = 1.5;

/** What a thread does and has at one moment. */
export type Look = { utilization: number; heapBytes: number };

/**
 * Decides when a thread returns memory: it is quiet, and its heap had grown since the last time.
 *
 * @param lastBytes of the heap before any load
 */
export class MemoryReturn {
  #lastBytes: number;
  #peakBytes = 0;
  #quietLooks = 0;

  constructor(lastBytes: number) {
    this.#lastBytes = lastBytes;
  }

  /** Returns whether it returns memory now. If it does, `returned` follows. */
  isDue({ utilization, heapBytes }: Look): boolean {
    this.#peakBytes = Math.max(this.#peakBytes, heapBytes);
    this.#quietLooks = utilization < QUIET_UTILIZATION ? this.#quietLooks + 1 : 0;
    return this.#quietLooks >= QUIET_LOOKS && this.#peakBytes > GROWN * this.#lastBytes;
  }

  returned(heapBytes: number): void {
    this.#lastBytes = Math.max(this.#lastBytes, heapBytes); // what compaction saves comes back with the next little work
    this.#peakBytes = heapBytes;
  }
}

const heapBytes = (): number => getHeapStatistics().total_heap_size;

/**
 * Returns memory of this thread to the system once it is quiet after a load. V8 keeps the pages that its collections empty,
 * hundreds of MB after a storm, until a collection that reduces memory; and it starts none while nothing is allocated.
 * Without Node's option `--expose-gc`, it does nothing.
 *
 * @returns a function that ends it
 */
export function returnMemory(lookEveryMs = LOOK_EVERY_MS): () => void {
  const collect = globalThis.gc;
  if (collect === undefined) return () => undefined;
  const decision = new MemoryReturn(heapBytes());
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (!decision.isDue({ utilization, heapBytes: heapBytes() })) return;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    decision.returned(heapBytes());
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}
