import { handoffSummary, handoffText } from '../../domain/messages/handoff-summary.ts';
import type { ChatMessage } from '../../domain/messages/chat-message.ts';
import { publicComponents } from '../../domain/catalogue/catalogue.ts';
import { waitsForPublication, whyNotPublic } from '../../domain/ports/extensions.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Amend } from '../../domain/ports/incidents.ts';
import {
  acknowledged,
  assigned,
  claimed,
  handedOver,
  left,
  type Assignee,
  stakeholderUpdate,
  triaged,
} from '../../domain/people/roles.ts';
import type { IncidentRecord, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId, Severity } from '../../../schemas/config/names.ts';
import type { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { Refusal } from '../../domain/refusal.ts';
import { acknowledgePages } from '../paging/acknowledge-pages.ts';
import { acknowledgeGroup } from '../paging/acknowledge-group.ts';
import { correctIncident } from './declare-incident.ts';
import { incidentResolved, requireIncident, requireRecord } from './require-incident.ts';
import { executeResponseAction, refuseUnshown } from './response-action.ts';
import { assigneeOf, type Caller } from '../people/caller.ts';
import { wakeForDeadlines } from '../../../workflows/wake.ts';

type HandlingDeps = Pick<Deps, 'incidents' | 'clock'>;

/** `key`: idempotency key; absent: the action is executed each time. */
type KeyedRequest = { id: IncidentId; key?: string | undefined };

/**
 * Changes an open incident on behalf of a person.
 *
 * @throws Refusal 403, 404; 409 if the incident is resolved
 */
async function amendIncident(
  deps: HandlingDeps,
  caller: Caller,
  { id, key }: KeyedRequest,
  amend: Amend,
): Promise<IncidentView> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:write', incident);
  if ((await deps.incidents.amend(id, amend, key)) === 'resolved') throw incidentResolved(incident);
  return requireIncident(deps, id);
}

type PagedDeps = HandlingDeps & Pick<Deps, 'effects' | 'pager' | 'log' | 'incidentGroups'>;

/** Acknowledges an incident and its pages. The first acknowledgement stays on record. */
export async function acknowledge(deps: PagedDeps, caller: Caller, request: KeyedRequest): Promise<IncidentView> {
  await amendIncident(deps, caller, request, acknowledged(caller.name, deps.clock.now()));
  await acknowledgePagesAndGroup(deps, request.id);
  return requireIncident(deps, request.id);
}

/** Acknowledges the pages of an incident and of its group. */
async function acknowledgePagesAndGroup(deps: PagedDeps, id: IncidentId): Promise<void> {
  await acknowledgePages(deps, id);
  await acknowledgeGroup(deps, id);
}

/** Takes a role, also from another holder. Taking command also acknowledges the incident. */
export async function takeRole(
  deps: PagedDeps,
  caller: Caller,
  { role, ...request }: KeyedRequest & { role: IncidentRole },
): Promise<IncidentView> {
  await amendIncident(deps, caller, request, claimed(role, assigneeOf(caller), deps.clock.now()));
  if (role === 'commander') await acknowledgePagesAndGroup(deps, request.id);
  return requireIncident(deps, request.id);
}

/** Leaves a role. A reminder that nobody has it may be due. */
export async function leaveRole(
  deps: HandlingDeps & Pick<Deps, 'engine'>,
  caller: Caller,
  { role, ...request }: KeyedRequest & { role: IncidentRole },
): Promise<IncidentView> {
  const view = await amendIncident(deps, caller, request, left(role, assigneeOf(caller)));
  await wakeForDeadlines(deps, request.id);
  return view;
}

export const assignRole = (
  deps: HandlingDeps,
  caller: Caller,
  { role, to, ...request }: KeyedRequest & { role: IncidentRole; to: Assignee },
): Promise<IncidentView> => amendIncident(deps, caller, request, assigned(role, to, caller.name, deps.clock.now()));

/**
 * Hands over command.
 *
 * @param input.brief summary for the new commander; null: one is created from the incident
 * @returns the updated incident, and the summary
 * @throws Refusal 403, 404, 409
 */
export async function handOver(
  deps: HandlingDeps,
  caller: Caller,
  { to, brief, ...request }: KeyedRequest & { to: Assignee; brief: string | null },
): Promise<{ incident: IncidentView; brief: string }> {
  const now = deps.clock.now();
  const text = brief ?? (await summaryOf(deps, request.id));
  return { incident: await amendIncident(deps, caller, request, handedOver(to, caller.name, text, now)), brief: text };
}

/** Number of timeline entries from which a summary is created. */
const ENTRIES_READ = 100;

async function summaryOf({ incidents, clock }: HandlingDeps, id: IncidentId): Promise<string> {
  const [story, { items }] = await Promise.all([
    incidents.overview(id),
    incidents.timeline(id, { limit: ENTRIES_READ }),
  ]);
  return story === undefined ? '' : handoffText(story, items, clock.now());
}

/** Returns the summary for people who join. @throws Refusal 403, 404 */
export async function summarySoFar(
  { incidents, clock }: HandlingDeps,
  caller: Caller,
  id: IncidentId,
): Promise<ChatMessage> {
  caller.allow('incidents:read', await requireIncident({ incidents }, id));
  const [story, { items }] = await Promise.all([
    incidents.overview(id),
    incidents.timeline(id, { limit: ENTRIES_READ }),
  ]);
  if (story === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  return handoffSummary(story, items, clock.now());
}

/** Sets or confirms the severity. */
export async function triage(
  deps: HandlingDeps & Pick<Deps, 'engine' | 'decisions'>,
  caller: Caller,
  { id, key, severity }: KeyedRequest & { severity: Severity },
): Promise<IncidentView> {
  const incident = await amendIncident(
    deps,
    caller,
    { id, ...(key !== undefined && { key: `${key}-triaged` }) },
    triaged(severity, caller.name, deps.clock.now()),
  );
  if (incident.severity === severity) return incident;
  return correctIncident(deps, caller, { id, severity, ...(key !== undefined && { key }) });
}

type UpdateDeps = HandlingDeps &
  Pick<Deps, 'config' | 'automation' | 'decisions' | 'engine' | 'extensions' | 'changes' | 'pins' | 'incidentGroups'>;

/**
 * What an update did on the status page. `waits`: the page waits for approval. `not_shown`: it never shows the incident,
 * for this reason. `nothing`: no approval was needed or requested.
 */
export type Publication = { state: 'published' | 'waits' | 'nothing' } | { state: 'not_shown'; reason: string };

/** `nextMinutes`: when a responder sends the next one. Absent: not said. */
type UpdateRequest = KeyedRequest & {
  text: string;
  publish: 'no' | 'if_shown' | 'required';
  nextMinutes?: number | undefined;
};

/** Result of an update. */
export type SentUpdate = { incident: IncidentView; public: Publication };

/**
 * Sends an update to stakeholders. The text is internal: the status page is approved only on request, and uses its own
 * texts.
 *
 * @param publish `if_shown`: approves the status page if it waits for that
 * @throws Refusal 403, 404, 409; before anything is sent, if a required publication is impossible
 */
export async function sendUpdateToStakeholders(
  deps: UpdateDeps,
  caller: Caller,
  { text, publish, nextMinutes, ...request }: UpdateRequest,
): Promise<SentUpdate> {
  if (publish === 'required') {
    const before = await requireIncident(deps, request.id);
    caller.allow('incidents:act', before);
    await refuseUnshown(deps, before);
  }
  const at = deps.clock.now();
  const amend = stakeholderUpdate({
    by: caller.name,
    at,
    text,
    ...(nextMinutes !== undefined && { next_at: plusSeconds(at, nextMinutes * 60) }),
  });
  await amendIncident(deps, caller, request, amend);
  const record = await requireRecord(deps, request.id);
  const publication = await publicationOf(deps, record, publish);
  if (publication.state === 'published')
    await executeResponseAction(deps, caller, { id: request.id, action: 'publish', note: '' });
  return {
    incident: await requireIncident(deps, request.id),
    public: publication,
  };
}

/** Returns what an update does on the status page. */
async function publicationOf(
  deps: UpdateDeps,
  record: IncidentRecord,
  publish: UpdateRequest['publish'],
): Promise<Publication> {
  const { services } = await deps.config.current();
  const reason = await whyNotPublic(deps, record);
  // Without any component, the status page is not in use, so nobody expects the incident there.
  if (reason !== null && (publish === 'no' || publicComponents(services).length === 0)) return { state: 'nothing' };
  if (reason !== null) return { state: 'not_shown', reason };
  if (!(await waitsForPublication(deps, record))) return { state: 'nothing' };
  return { state: publish === 'no' ? 'waits' : 'published' };
}
