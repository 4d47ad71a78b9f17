import type { Commits } from '../../core/domain/ports/system.ts';

/** Limits of open streams at one instance. Above the first two, a page gets short answers instead. */
export type LiveLimits = {
  perSession: number;
  all: number;
  /** After these, the browser connects again. */
  seconds: number;
  bytes: number;
  /** Shortest pause between two looks for one stream: several commits are one change. */
  pauseMs: number;
};

export const LIVE_LIMITS: LiveLimits = {
  perSession: 8,
  all: 100,
  seconds: 600,
  bytes: 16 * 1024 * 1024,
  pauseMs: 250,
};

/** A stream says at least this often that it is alive. */
const TICK_SECONDS = 15;

/** Looks at pages take at most a quarter of the time of their thread, however many streams are open. */
const IDLE_FACTOR = 3;
const IDLE_MAX_MS = 2_000;

/** The content of an open page. `change`: an event for the browser; empty: nothing has changed. */
export type Look = () => Promise<{ change: string }>;

/** Event streams that stay open, and send a page again soon after something was stored that changes it. */
export class LiveStreams {
  readonly #commits: Commits;
  readonly #limits: LiveLimits;
  readonly #bySession = new Map<string, number>();
  #open = 0;
  /** Looks run one after another. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(commits: Commits, limits: LiveLimits = LIVE_LIMITS) {
    this.#commits = commits;
    this.#limits = limits;
  }

  /**
   * Opens a stream. Undefined: there are too many.
   *
   * @param everySeconds seconds after which the page is built again without a commit: some of what it shows is not stored
   * @param look throws if the viewer may no longer see the page, which ends the stream
   */
  open(session: string, everySeconds: number, look: Look): ReadableStream<Uint8Array> | undefined {
    const { perSession, all, seconds, bytes, pauseMs } = this.#limits;
    const own = this.#bySession.get(session) ?? 0;
    if (own >= perSession || this.#open >= all) return undefined;
    this.#bySession.set(session, own + 1);
    this.#open += 1;
    const changes = new Changes(this.#commits);
    const end = (): void => {
      if (!changes.close()) return;
      this.#open -= 1;
      const left = (this.#bySession.get(session) ?? 1) - 1;
      if (left === 0) this.#bySession.delete(session);
      else this.#bySession.set(session, left);
    };
    const began = performance.now();
    const encoder = new TextEncoder();
    let sent = 0;
    let lastSent = -Infinity;
    /** Waits for the next change, and returns the event for the browser. Undefined: the stream ends. */
    const next = async (): Promise<string | undefined> => {
      for (;;) {
        if (sent > 0) await changes.next(pauseMs, everySeconds * 1000);
        if (sent > bytes || performance.now() - began > seconds * 1000) return undefined;
        const { change } = await this.#inTurn(look);
        const isDue = performance.now() - lastSent >= TICK_SECONDS * 1000;
        if (change !== '' || isDue) return `${sent === 0 ? 'retry: 1000\n' : ''}${change}event: tick\ndata: 0\n\n`;
      }
    };
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const event = await next().catch(() => undefined);
          if (changes.isClosed) return; // the reader has gone
          if (event === undefined) {
            end();
            return controller.close();
          }
          const chunk = encoder.encode(event);
          sent += chunk.byteLength;
          lastSent = performance.now();
          controller.enqueue(chunk);
        },
        cancel: end,
      },
      { highWaterMark: 0 }, // nothing is looked up before the reader has taken what was sent
    );
  }

  /** Runs a look after the others, with a pause for everything else that the thread does. */
  #inTurn<T>(look: () => Promise<T>): Promise<T> {
    let took = 0;
    const turn = this.#lastTurn.then(async () => {
      const began = performance.now();
      return look().finally(() => (took = performance.now() - began));
    });
    const rest = (): Promise<void> => pause(Math.min(took * IDLE_FACTOR, IDLE_MAX_MS));
    this.#lastTurn = turn.then(rest, rest);
    return turn;
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds).unref());

/** The commits since the last look of one stream. */
class Changes {
  readonly #stop: () => void;
  #isChanged = false;
  #wake: (() => void) | undefined;
  isClosed = false;

  constructor(commits: Commits) {
    this.#stop = commits.onCommit(() => {
      this.#isChanged = true;
      this.#wake?.();
    });
  }

  /** Waits for a commit since the last call, or for `atMostMs`; at least `atLeastMs`, unless it is closed. */
  async next(atLeastMs: number, atMostMs: number): Promise<void> {
    await this.#until(atLeastMs, () => this.isClosed);
    await this.#until(atMostMs, () => this.isClosed || this.#isChanged);
    this.#isChanged = false;
  }

  async #until(milliseconds: number, isOver: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds).unref();
    this.#wake = () => {
      if (isOver()) resolve();
    };
    this.#wake();
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  /** @returns false: it was closed before */
  close(): boolean {
    if (this.isClosed) return false;
    this.isClosed = true;
    this.#stop();
    this.#wake?.();
    return true;
  }
}
