import type { Clock } from '../../../core/domain/ports/system.ts';
import { CLOCKS_APART_SECONDS } from '../../../core/domain/time/set-back.ts';
import type { EvaluationLease } from '../types.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import type { Table } from '../../../core/stores/table.ts';
import { absent, allOf, equals, update } from '../../../platforms/store.ts';

/** Stores the lease in one item. The last holder is kept after expiry, so that a change of holder is detected. */
export class EvaluationLeaseTable implements EvaluationLease {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async take(holder: string, seconds: number): Promise<'kept' | 'taken' | 'held'> {
    const before = await this.#table.get(keys.evaluationLease());
    const last = before?.['holder'];
    const now = this.#clock.now();
    const until = before?.['until'];
    // A lease that is longer than a lease is from before the clock was set back.
    const longest = plusSeconds(now, seconds + CLOCKS_APART_SECONDS);
    if (typeof until === 'string' && until > now && until <= longest && last !== holder) return 'held';
    const taken = await this.#table.transact([
      update(
        keys.evaluationLease(),
        { set: { holder, until: plusSeconds(now, seconds) } },
        before === undefined ? absent : allOf(equals('holder', last), equals('until', until)),
      ),
    ]);
    if (!taken.ok) return 'held'; // by a faster process
    return last === holder ? 'kept' : 'taken';
  }

  async release(holder: string): Promise<void> {
    await this.#table.transact([
      update(keys.evaluationLease(), { set: { until: this.#clock.now() } }, equals('holder', holder)),
    ]);
  }
}
