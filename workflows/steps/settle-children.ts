import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import { pageKey } from '../../core/domain/paging/pages.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { ChildIncident } from '../../core/domain/ports/incidents.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { wake } from '../wake.ts';

export type SettleDeps = Pick<Deps, 'incidents' | 'incidentGroups' | 'effects' | 'decisions' | 'engine'>;

/** Child incidents that are processed in parallel. */
const AT_ONCE = 8;

/** Alerts per read. */
const SIGNALS_READ = 100;

/** Kind of the timeline entry for a person's request to resolve. */
const RESOLVE_REQUESTED = 'resolve.requested';

/** A person's resolution of the parent. */
type ResolveRequest = { by: string; at: Timestamp; note?: string | undefined };

/**
 * Settles the open child incidents of a resolved parent. If a person resolved the parent, that also resolves the children
 * as they were then. A child that joined or fired since continues separately, and so do all children of a parent that
 * closed by itself; they page if a page is due. Safe to repeat.
 *
 * @throws AggregateError if some children could not be settled, after processing all others
 */
export async function settleChildren(deps: SettleDeps, parentId: IncidentId): Promise<void> {
  const parent = await deps.incidents.read(parentId);
  if (parent !== undefined && parent.status !== 'resolved') return;
  const resolveRequest = resolveRequestOf(parent);
  const open = (await deps.incidentGroups.children(parentId)).filter(({ incident }) => incident.status !== 'resolved');
  const failed: unknown[] = [];
  for (let first = 0; first < open.length; first += AT_ONCE) {
    const settled = await Promise.allSettled(
      open.slice(first, first + AT_ONCE).map((child) => settle(deps, { parentId, parent, resolveRequest }, child)),
    );
    failed.push(...settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
  }
  if (failed.length > 0)
    throw new AggregateError(
      failed,
      `Child incidents of the resolved incident ${parentId} are still open: ${failed.map(String).join('; ')}`,
    );
}

/** How the parent ended. `resolveRequest`: by a person. */
type ParentEnd = {
  parentId: IncidentId;
  parent: IncidentRecord | undefined;
  resolveRequest: ResolveRequest | undefined;
};

const nameOf = ({ parentId, parent }: ParentEnd): string => incidentName(parent ?? { id: parentId });

/** Resolves a child, or detaches it from its parent. */
async function settle(
  deps: SettleDeps,
  parentEnd: ParentEnd,
  { incident: child, joinedAt }: ChildIncident,
): Promise<void> {
  const { parentId, resolveRequest } = parentEnd;
  const { id } = child;
  const continuesAlone =
    resolveRequest === undefined || joinedAt > resolveRequest.at || (await hasFiredSince(deps, id, resolveRequest.at));
  if (continuesAlone) await detach(deps, parentEnd, child);
  else {
    const text = `Resolved together with the parent incident ${nameOf(parentEnd)}`;
    const timeline = { actor: resolveRequest.by, kind: RESOLVE_REQUESTED, text, detail: { parent: parentId } };
    await deps.incidents.post(
      id,
      { kind: 'resolve', by: resolveRequest.by, note: text },
      { timeline, ...(resolveRequest.note !== undefined && { words: resolveRequest.note }) },
      `with-${parentId}`,
    );
  }
  await wake(deps, id);
}

async function detach(deps: SettleDeps, parentEnd: ParentEnd, child: IncidentRecord): Promise<void> {
  const { parentId, parent, resolveRequest } = parentEnd;
  // The parent no longer pages. If it closed by itself, nothing is new, and an earlier page suffices.
  const since = resolveRequest === undefined ? null : (parent?.resolved_at ?? null);
  // Pages of a child may have been left to the parent.
  const needsPage = child.page === true || child.severity === 'critical' || child.pages > 0;
  const parentEndText =
    resolveRequest === undefined ? 'is resolved' : `was resolved by ${resolveRequest.by}, but alerts have fired since`;
  await deps.incidentGroups.detach(parentId, child.id, {
    page: needsPage && !(await hasPaged(deps, child, since)),
    text: `Continues as a separate incident: the parent incident ${nameOf(parentEnd)} ${parentEndText}`,
  });
}

/** Returns the person's resolution. Undefined: the parent closed by itself. */
function resolveRequestOf(parent: IncidentRecord | undefined): ResolveRequest | undefined {
  const { resolved_by: by, resolved_at: closedAt } = parent ?? {};
  if (!closedAt || !by || isByItself(by)) return undefined;
  return { by, at: closedAt, ...parent?.last_requests?.resolve };
}

const isByItself = (by: string): boolean => by === 'firebreak' || by.startsWith('firebreak:');

/** Returns whether an alert is firing that was first received after a time. */
async function hasFiredSince({ incidents }: SettleDeps, id: IncidentId, at: Timestamp): Promise<boolean> {
  let cursor: string | undefined;
  do {
    const page = await incidents.signals(id, { limit: SIGNALS_READ, ...(cursor !== undefined && { cursor }) });
    if (page.items.some(({ status, first_seen_at }) => status === 'firing' && first_seen_at > at)) return true;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return false;
}

/** Returns whether the incident itself has paged: after a time or, without a time, since it was opened, or reopened. */
async function hasPaged(
  { effects }: SettleDeps,
  { id, pages, reopened_at: reopenedAt }: IncidentRecord,
  since: Timestamp | null,
): Promise<boolean> {
  for (let number = pages; number >= 1; number -= 1) {
    const page = await effects.get(id, pageKey(id, number));
    if (page !== undefined && page.state !== 'withheld' && page.state !== 'failed')
      return since === null ? reopenedAt === undefined || page.at >= reopenedAt : page.at > since;
  }
  return false;
}
