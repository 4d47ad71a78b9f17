import { pageKey } from '../../domain/pages.ts';
import type { Deps, Part } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { wake } from '../wake.ts';

export type SettleDeps = Pick<Deps, 'incidents' | 'crowds' | 'effects' | 'decisions' | 'engine'>;

/** Parts that are looked after at once. */
const AT_ONCE = 8;

/** Alerts that are read at a time. */
const SIGNALS_READ = 100;

/** By this the timeline tells that somebody has said that it is over. */
const ASKED = 'resolve.asked';

/** Somebody has said that it is over. */
type Word = { by: string; at: Timestamp };

/**
 * A parent is over, and has left parts open. Whoever has said so has said it of them, as they were then. What has joined
 * or fired since, and everything where nobody has said so, goes on by itself, and wakes somebody if that is due. Safe to
 * repeat.
 *
 * @throws AggregateError when some could not be settled, after all the others
 */
export async function settleParts(deps: SettleDeps, parentId: IncidentId): Promise<void> {
  const parent = await deps.incidents.read(parentId);
  if (parent !== undefined && parent.status !== 'resolved') return;
  const word = wordOf(parent);
  const open = (await deps.crowds.parts(parentId)).filter(({ incident }) => incident.status !== 'resolved');
  const failed: unknown[] = [];
  for (let first = 0; first < open.length; first += AT_ONCE) {
    const settled = await Promise.allSettled(
      open.slice(first, first + AT_ONCE).map((part) => settle(deps, { parentId, parent, word }, part)),
    );
    failed.push(...settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
  }
  if (failed.length > 0)
    throw new AggregateError(
      failed,
      `parts of ${parentId}, which is over, are left open: ${failed.map(String).join('; ')}`,
    );
}

type Over = { parentId: IncidentId; parent: IncidentRecord | undefined; word: Word | undefined };

async function settle(deps: SettleDeps, over: Over, { incident: part, joinedAt }: Part): Promise<void> {
  const { parentId, word } = over;
  const { id } = part;
  const news = word === undefined || joinedAt > word.at || (await hasFiredSince(deps, id, word.at));
  if (news) await letGo(deps, over, part);
  else {
    const text = `Says that it is over, with incident ${parentId}, of which it is a part`;
    const timeline = { actor: word.by, kind: ASKED, text, detail: { parent: parentId } };
    await deps.incidents.post(id, { kind: 'resolve', by: word.by, note: text }, { timeline }, `with-${parentId}`);
  }
  await wake(deps, id);
}

async function letGo(deps: SettleDeps, { parentId, parent, word }: Over, part: IncidentRecord): Promise<void> {
  // It rings for nobody any more; without a word nothing is new, so that a page of before will do.
  const since = word === undefined ? null : (parent?.resolved_at ?? null);
  const wakes = part.page === true || part.severity === 'critical' || part.pages > 0; // perhaps left to the parent
  const how = word === undefined ? 'is over' : `was resolved by ${word.by}, and it has fired since`;
  await deps.crowds.letGo(parentId, part.id, {
    page: wakes && !(await hasRung(deps, part, since)),
    text: `Goes on by itself: incident ${parentId}, of which it was a part, ${how}`,
  });
}

/** Undefined: nobody has said so, it has closed by itself. */
function wordOf(parent: IncidentRecord | undefined): Word | undefined {
  const { resolved_by: by, resolved_at: closedAt } = parent ?? {};
  if (!closedAt || !by || isByItself(by)) return undefined;
  return { by, at: parent?.asked?.resolve?.at ?? closedAt };
}

const isByItself = (by: string): boolean => by === 'firebreak' || by.startsWith('firebreak:');

/** Some alert of it fires that has begun to, as far as we were told, after that. */
async function hasFiredSince({ incidents }: SettleDeps, id: IncidentId, at: Timestamp): Promise<boolean> {
  let cursor: string | undefined;
  do {
    const page = await incidents.signals(id, { limit: SIGNALS_READ, ...(cursor !== undefined && { cursor }) });
    if (page.items.some(({ status, first_seen_at }) => status === 'firing' && first_seen_at > at)) return true;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return false;
}

/** Somebody was woken for itself: after that, or, without a time, ever. */
async function hasRung(
  { effects }: SettleDeps,
  { id, pages }: IncidentRecord,
  since: Timestamp | null,
): Promise<boolean> {
  for (let number = pages; number >= 1; number -= 1) {
    const page = await effects.get(id, pageKey(id, number));
    if (page !== undefined && page.state !== 'withheld' && page.state !== 'failed')
      return since === null || page.at > since;
  }
  return false;
}
