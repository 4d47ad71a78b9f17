import { randomBytes, randomInt } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../../core/exchanges.ts';
import { TRIGGER_MS } from './limits.ts';
import { Refused } from './refusal.ts';

/** A person's action that can be exchanged for a modal. */
export type Trigger = {
  user: string;
  /** The `seq` of the modal in which it happened; `null` outside of modals. */
  view: number | null;
};

export type Triggers = ReturnType<typeof openTriggers>;

export function openTriggers(db: DatabaseSync) {
  const triggers = documents<Trigger & { id: string; at: number; isUsed: boolean }>(db, 'slack trigger');
  return {
    /** Creates a trigger, and returns its ID. @param at milliseconds since the Unix epoch */
    create({ user, view }: Trigger, at: number): string {
      // Later, unknown triggers also count as expired.
      for (const old of triggers.all()) if (old.at < at - 60 * TRIGGER_MS) triggers.drop(old.id);
      const id = `${randomInt(1e10, 1e11)}.${randomInt(1e9, 1e10)}.${randomBytes(16).toString('hex')}`;
      return triggers.put({ id, user, view, at, isUsed: false }, id).id;
    },
    /**
     * Returns a trigger that can still be exchanged.
     *
     * @throws Refused `invalid_trigger_id`, `expired_trigger_id` (also if it never existed), `exchanged_trigger_id`
     */
    find(id: string, at: number): Trigger {
      if (!/^\d+\.\d+\.\w+$/.test(id)) throw new Refused('invalid_trigger_id');
      const found = triggers.get(id);
      if (found?.isUsed) throw new Refused('exchanged_trigger_id');
      if (found === undefined || at - found.at > TRIGGER_MS) throw new Refused('expired_trigger_id');
      return found;
    },
    /** Marks a trigger as exchanged. It can't be used again. */
    use(id: string): void {
      const found = triggers.get(id);
      if (found) triggers.put({ ...found, isUsed: true }, id);
    },
  };
}
