import { setTimeout as sleep } from 'node:timers/promises';
import type { AttendedProduct } from '../support/scenario-product.ts';
import type { AroundEffect } from '../support/scenario-vendors.ts';
import { namesOf } from './calls.ts';

type Killer = {
  around: AroundEffect;
  aimAt(product: AttendedProduct): void;
  killed(): number;
  /** Resolves when every call that was to be done late has been done. */
  nothingIsLate(): Promise<void>;
};

/**
 * Kills at the boundaries that lie at a vendor: `ahead of <call> #<n>`, which it has received and does only when its
 * caller has been dead for `lateMs`, and `inside <call> #<n>`, which it has done and not answered.
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
    nothingIsLate: async () => void (await Promise.allSettled(late)),
    around: async (call, effect) => {
      const [name = ''] = namesOf({ ...call, target: '' });
      const n = (counts.get(name) ?? 0) + 1;
      counts.set(name, n);
      if (await killsAt(`ahead of ${name} #${n}`)) {
        late.push(sleep(lateMs).then(effect));
        return undefined;
      }
      const reply = await effect();
      return (await killsAt(`inside ${name} #${n}`)) ? undefined : reply;
    },
  };
}
