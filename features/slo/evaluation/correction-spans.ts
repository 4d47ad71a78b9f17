import { historySeconds } from '../decisions/budget/account.ts';
import type { Span } from '../decisions/budget/period.ts';
import { type AppliedCorrection, spansOf } from '../decisions/corrections.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import type { SloCorrection } from '../schemas/slo-correction.ts';

const DAY_MS = 86_400_000;

/**
 * Expands corrections for the histories of objectives. Keeps the periods of recurring ones for the rest of the day,
 * because their expansion is slow.
 */
export class CorrectionSpans {
  #cache = new Map<string, readonly Span[]>();

  /**
   * Returns the periods of all corrections in effect.
   *
   * @param now Unix milliseconds
   */
  expand(
    slos: readonly Slo[],
    active: ReadonlyMap<Slo['id'], readonly SloCorrection[]>,
    now: number,
  ): Map<Slo['id'], AppliedCorrection[]> {
    const before = this.#cache;
    this.#cache = new Map();
    const today = Math.floor(now / DAY_MS) * DAY_MS;
    const found = new Map<Slo['id'], AppliedCorrection[]>();
    for (const slo of slos) {
      const corrections = active.get(slo.id);
      if (corrections === undefined) continue;
      const within = { from: today - historySeconds(slo) * 1000, until: today + DAY_MS };
      const applied = corrections.map((correction) => {
        const name = `${correction.id} ${within.from} ${correction.ended_at ?? ''}`;
        const spans = before.get(name) ?? spansOf(correction, within);
        this.#cache.set(name, spans);
        return { correction, spans };
      });
      found.set(slo.id, applied);
    }
    return found;
  }
}
