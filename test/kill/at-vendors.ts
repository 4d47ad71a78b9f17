import { setTimeout as sleep } from 'node:timers/promises';
import type { AttendedProduct } from '../support/scenario/product.ts';
import type { AroundEffect } from '../support/scenario/vendors.ts';
import { nameOf } from './calls.ts';

type Killer = {
  around: AroundEffect;
  aimAt(product: AttendedProduct): void;
  killed(): number;
  /** Resolves when all delayed calls were handled. */
  nothingIsLate(): Promise<void>;
};

/**
 * Kills the product at boundaries inside of a vendor: `ahead of <call> #<n>`, where the vendor has received the call
 * and handles it `lateMs` after the caller's death, and `inside <call> #<n>`, where it has handled the call and not
 * responded.
 */
export function killerAtVendors(kills: readonly string[], isArmed: () => boolean, lateMs: number): Killer {
  const counts = new Map<string, number>();
  let victim: AttendedProduct | undefined;
  let killed = 0;
  const late: Promise<unknown>[] = [];
  const killsAt = async (boundary: string): Promise<boolean> => {
    if (victim === undefined || !isArmed() || boundary !== kills[victim.deaths]) return false;
    killed += 1;
    await victim.kill9();
    return true;
  };
  return {
    aimAt: (product) => (victim = product),
    killed: () => killed,
    nothingIsLate: async () => void (await Promise.all(late)),
    around: async (call, effect) => {
      const name = nameOf(call);
      const n = (counts.get(name) ?? 0) + 1;
      counts.set(name, n);
      if (await killsAt(`ahead of ${name} #${n}`)) {
        // The caller is dead, so nobody learns how it ends.
        late.push(
          sleep(lateMs)
            .then(effect)
            .catch(() => undefined),
        );
        return undefined;
      }
      const reply = await effect();
      return (await killsAt(`inside ${name} #${n}`)) ? undefined : reply;
    },
  };
}
