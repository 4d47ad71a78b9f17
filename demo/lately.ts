/** Of fewer, one failure more or less would end an alert and begin it again. */
const REQUESTS_MIN = 20;

/**
 * The share of failures among a service's last requests. Counted by requests, not by time: where a busy machine serves
 * only few of them, a steady failure stays a steady failure, and one that has ended never seems to come back.
 */
export class Lately {
  readonly #requests: number;
  readonly #failed: boolean[] = [];

  /** @param requests of the last so many, and no fewer than are enough for a ratio */
  constructor(requests: number) {
    this.#requests = Math.max(Math.round(requests), REQUESTS_MIN);
  }

  served({ failed }: { failed: boolean }): void {
    this.#failed.push(failed);
    if (this.#failed.length > this.#requests) this.#failed.shift();
  }

  /** 0 to 1; `null` before there were enough. */
  get errorRatio(): number | null {
    if (this.#failed.length < REQUESTS_MIN) return null;
    return this.#failed.filter(Boolean).length / this.#failed.length;
  }
}
