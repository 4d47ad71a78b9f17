import type { Clock } from '../../../domain/ports/system.ts';
import type { SloLease } from '../../../domain/ports/slo.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import type { Table } from '../core/table.ts';

/** Stores the lease in one item. The last holder is kept after expiry, so that a change of holder is detected. */
export class SloLeaseTable implements SloLease {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async take(holder: string, seconds: number): Promise<'kept' | 'taken' | 'held'> {
    const before = await this.#table.get(keys.sloLease());
    const last = before?.['holder'];
    const now = this.#clock.now();
    const until = before?.['until'];
    if (typeof until === 'string' && until > now && last !== holder) return 'held';
    const taken = await this.#table.transact([
      this.#table.update(keys.sloLease(), {
        UpdateExpression: 'SET holder = :holder, #until = :until',
        ConditionExpression: before === undefined ? 'attribute_not_exists(pk)' : 'holder = :last AND #until = :before',
        ExpressionAttributeNames: { '#until': 'until' },
        ExpressionAttributeValues: {
          ':holder': holder,
          ':until': plusSeconds(now, seconds),
          ...(before !== undefined && { ':last': last, ':before': until }),
        },
      }),
    ]);
    if (!taken.ok) return 'held'; // by a faster process
    return last === holder ? 'kept' : 'taken';
  }

  async release(holder: string): Promise<void> {
    await this.#table.transact([
      this.#table.update(keys.sloLease(), {
        UpdateExpression: 'SET #until = :now',
        ConditionExpression: 'holder = :holder',
        ExpressionAttributeNames: { '#until': 'until' },
        ExpressionAttributeValues: { ':holder': holder, ':now': this.#clock.now() },
      }),
    ]);
  }
}
