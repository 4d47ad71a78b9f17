import { REMOVAL_KIND } from '../../../core/stores/audit/decision-record.ts';
import type { Deps } from '../ports.ts';
import type { FreezeDecision } from '../types.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Entries of the audit log that one request looks through, without those for removed records, and how many one read returns. */
const SEARCHED_MAX = 400;
const PER_READ = 100;
const READS_MAX = 20;

/** A decision of the freeze check. `count`: how often it was requested. */
export type RecentDecision = Omit<FreezeDecision, 'inputs'> & { count: number; last_at: Timestamp };

/** Returns the newest deployments that the freeze check refused, newest first, at most `limit`. */
export async function recentRefusals(
  { audit, freezeDecisions }: Pick<Deps, 'audit' | 'freezeDecisions'>,
  isVisible: (request: FreezeDecision['request']) => boolean,
  limit: number,
): Promise<RecentDecision[]> {
  const found: RecentDecision[] = [];
  let cursor: string | null = null;
  let searched = 0;
  for (let read = 0; read < READS_MAX && searched < SEARCHED_MAX && found.length < limit; read += 1) {
    const page = await audit.list({ limit: PER_READ, ...(cursor !== null && { cursor }) });
    const ids = page.items
      .filter(({ kind, detail }) => kind === 'freeze.decision' && detail['allowed'] === false)
      .map(({ detail }) => String(detail['decision']));
    const decisions = await Promise.all(ids.map((id) => freezeDecisions.get(id)));
    for (const one of decisions) {
      if (one === undefined || one.request.look || !isVisible(one.request)) continue;
      const { inputs: _inputs, ...decision } = one; // many, and no list shows them
      found.push(decision);
    }
    searched += page.items.filter(({ kind }) => kind !== REMOVAL_KIND).length;
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return found.slice(0, limit);
}
