/** With fewer requests, a single failure could resolve the alert or fire it again. */
const REQUESTS_MIN = 20;

/**
 * Error ratio of a service's last requests. The window is a number of requests, not a time, so that the ratio stays steady
 * on a busy machine that serves few requests.
 */
export class ErrorRatio {
  readonly #requests: number;
  readonly #failed: boolean[] = [];

  /** @param requests size of the window, raised to the minimum for a ratio */
  constructor(requests: number) {
    this.#requests = Math.max(Math.round(requests), REQUESTS_MIN);
  }

  served({ failed }: { failed: boolean }): void {
    this.#failed.push(failed);
    if (this.#failed.length > this.#requests) this.#failed.shift();
  }

  /** 0 to 1; `null` before the minimum number of requests. */
  get errorRatio(): number | null {
    if (this.#failed.length < REQUESTS_MIN) return null;
    return this.#failed.filter(Boolean).length / this.#failed.length;
  }
}
