import type { Deps } from '../../../core/domain/ports/deps.ts';
import { type Allowance, TokenBuckets } from '../../../core/domain/time/token-bucket.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { millisOf } from '../../../schemas/time/time.ts';

/** Number of senders that an instance remembers. */
const SENDERS_MAX = 10_000;

const MEBIBYTE = 2 ** 20;

/** A small request counts as this much, because it also takes a commit. */
const REQUEST_MIN_BYTES = 1024;

/**
 * Bytes of alerts that an instance accepts from a sender: at once, those of 100,000 alerts or more, which is ten times a
 * storm of 10,000 services; then several times what a sender repeats while as many alerts fire.
 */
const ALLOWANCE: Allowance = { perSecond: MEBIBYTE, burst: 128 * MEBIBYTE };

/** What many requests at once can exceed the limit by: their sender is refused no longer than 8 s for that. */
const DEBT_MAX_BYTES = 8 * MEBIBYTE;

/** Code of a refusal by this limit. It is no failure of Firebreak. */
export const OVER_LIMIT = 'too-many-requests';

/** Limits the alerts of a sender, by the size of their requests. */
export class SenderLimit {
  readonly #clock: Deps['clock'];
  readonly #buckets = new TokenBuckets(ALLOWANCE, SENDERS_MAX);

  constructor({ clock }: Pick<Deps, 'clock'>) {
    this.#clock = clock;
  }

  /**
   * Refuses the next request of a sender above its limit. Call it before the body is read.
   *
   * @throws Refusal 503, not 429: senders of alerts give up on 429
   */
  check(sender: string): void {
    const seconds = this.#buckets.take(sender, millisOf(this.#clock.now()), REQUEST_MIN_BYTES);
    if (seconds === null) return;
    const detail = `${sender} sent more than 128 MiB of alerts, or 1 MiB per second; send again in ${seconds} s`;
    throw new Refusal(503, OVER_LIMIT, detail, { 'retry-after': String(seconds) });
  }

  /** Counts a body, which is accepted even if it exceeds the limit: its sender waits longer then. */
  count(sender: string, bytes: number): void {
    this.#buckets.give(sender, -Math.max(0, bytes - REQUEST_MIN_BYTES), -DEBT_MAX_BYTES);
  }
}
