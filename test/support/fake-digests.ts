import type { TellingPause, TellingWay, ToldBefore } from '../../domain/messages/stakeholder-digest.ts';
import type { Digests, Remembered } from '../../domain/ports/messages.ts';
import type { IncidentId } from '../../schemas/config/names.ts';

/** The digests for stakeholders, in memory. Calls are asynchronous, like the table's. */
export class FakeDigests implements Digests {
  readonly told = new Map<string, Record<string, Remembered>>();
  readonly paused = new Map<TellingWay, TellingPause>();

  async read(id: IncidentId): Promise<Record<string, Remembered>> {
    return { ...this.told.get(id) };
  }

  async remember(
    id: IncidentId,
    receiver: string,
    { about, at, heard, refused, again }: ToldBefore,
    before: Remembered | undefined,
  ): Promise<Remembered | undefined> {
    const known = this.told.get(id) ?? {};
    if (known[receiver]?.rev !== before?.rev) return undefined;
    const now = { about, at, heard, refused, again, rev: (before?.rev ?? 0) + 1 };
    this.told.set(id, { ...known, [receiver]: now });
    return now;
  }

  async pauses(): Promise<Partial<Record<TellingWay, TellingPause>>> {
    return Object.fromEntries(this.paused);
  }

  async setPause(way: TellingWay, pause: TellingPause | null): Promise<void> {
    if (pause === null) this.paused.delete(way);
    else this.paused.set(way, pause);
  }
}
