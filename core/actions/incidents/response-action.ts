import type { RollbackCommand } from '../../domain/rollback/rollback-request.ts';
import { clearingOfVersion, withWithdrawn } from '../../domain/changes/cleared-suspects.ts';
import { openChildren, openChildrenWords } from '../../domain/incidents/children.ts';
import { incidentName } from '../../domain/incidents/incident-number.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import { saysNameMoved } from '../../domain/rollback/reasons.ts';
import { whyNotPublic } from '../../domain/ports/extensions.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { ChangeOfIncident, IncidentChange } from '../../domain/ports/incidents.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { IncidentView, NotReopenable } from '../../../schemas/incidents/incident.ts';
import type { IncidentId, Version } from '../../../schemas/config/names.ts';
import { withdrawQuestion } from '../../../workflows/steps/withdraw-questions.ts';
import { wake } from '../../../workflows/wake.ts';
import { incidentResolved, requireIncident } from './require-incident.ts';
import { type PlanDeps, planRollback, requirePossible, whyPlanDiffers } from '../rollback/plan-rollback.ts';
import { Refusal } from '../../domain/refusal.ts';
import { acknowledgeByActing } from './acknowledge-by-acting.ts';
import type { Caller } from '../people/caller.ts';
import { type ActionRequest, actionRequestOf, type ResponseAction } from './action-request.ts';
import { withNote } from '../../domain/incidents/with-note.ts';
import { sha256 } from '../../stores/hash.ts';

type ActDeps = PlanDeps & Pick<Deps, 'automation' | 'decisions' | 'engine' | 'extensions' | 'incidentGroups'>;

/** Inbox message of an action, and its immediate change of the incident. */
type PostedAction = { message: Message; change: ChangeOfIncident };

const POSTED_ACTIONS: Record<
  Exclude<ResponseAction, 'rollback' | 'resolve' | 'reopen'>,
  (by: string, note: string) => PostedAction
> = {
  pause: (by, note) => ({
    message: { kind: 'pause', by, note },
    change: {
      automationPaused: true,
      ...timelineChange(by, 'automation.paused', withNote('Paused the automation of this incident', note)),
    },
  }),
  resume: (by, note) => ({
    message: { kind: 'resume', by, note },
    change: {
      automationPaused: false,
      ...timelineChange(by, 'automation.resumed', withNote('Resumed the automation of this incident', note)),
    },
  }),
  abort: (by, note) => ({
    message: { kind: 'abort', by, note },
    change: {
      automationPaused: true,
      ...timelineChange(by, 'automation.aborted', withNote('Aborted the pending actions of automation', note)),
    },
  }),
  publish: (by, note) => ({
    message: { kind: 'publish', by, note },
    change: {
      publishedBy: by,
      ...timelineChange(by, 'statuspage.published', withNote('Approved the update of the status page', note)),
    },
  }),
};

const timelineChange = (actor: string, kind: string, text: string, detail: object | null = null): IncidentChange => ({
  timeline: { actor, kind, text, detail },
});

type ResponseRequest = {
  id: IncidentId;
  action: ResponseAction;
  note: string;
  /** Idempotency key, if the action itself does not determine one. */
  key?: string;
  /** For a rollback: the running version that was shown. Absent: the current one. */
  from?: Version;
  /** For a rollback: the version that the person named. Absent: the newest that is known to be good. */
  to?: Version;
  /** For a rollback: the target version that was shown. Absent: none. */
  shown?: Version;
  /** For a rollback: the person was told that the name of the target version means another commit now. Absent: not told. */
  movedKnown?: true;
  /** For a rollback that may be interrupted and repeated. */
  storedKey?: StoredKey;
};

/**
 * The idempotency key of an action, which is stored before the action. A repeated request is then neither lost nor
 * executed twice, even if the incident has changed.
 */
export type StoredKey = {
  /** The stored key. Null: no action was needed. Undefined: not stored. */
  stored: string | null | undefined;
  store(key: string | null): Promise<void>;
};

/**
 * Executes an action of a person in an incident. Repeating the call succeeds and changes nothing.
 *
 * @returns the updated incident
 * @throws Refusal 403, 404, 409; 422 if the named version is unknown
 */
export async function executeResponseAction(
  deps: ActDeps,
  caller: Caller,
  requested: ResponseRequest,
): Promise<IncidentView> {
  const { id, action, key, storedKey } = requested;
  const before = await requireIncident(deps, id);
  caller.allow('incidents:act', before);
  const { name: by } = caller;
  const request = await actionRequestNow(deps, requested, before, by);
  if (request.fulfilled) {
    await keepLateNote(deps, by, requested);
    await storedKey?.store(null);
    return before;
  }
  if (action === 'reopen') return reopen(deps, id, by, requested.note);
  if (action === 'publish') await refuseUnshown(deps, before);
  const isNew = storedKey?.stored === undefined;
  if (action === 'rollback' && isNew && (await isAboutQuestion(deps, before, by, requested))) {
    await acknowledgeByActing(deps, caller, id);
    await storedKey?.store(null);
    await wake(deps, id);
    return requireIncident(deps, id);
  }
  const { message, change } = await postedActionOf(deps, caller, before, requested);
  if (action === 'rollback') await acknowledgeByActing(deps, caller, id);
  if (isNew) await storedKey?.store(request.idempotencyKey ?? null);
  if (!(await deps.incidents.post(id, message, change, request.idempotencyKey ?? key))) throw incidentResolved(before);
  if (action === 'abort')
    await withdraw(deps, before, before.decisions, by, 'the automation of the incident was aborted');
  if (action === 'rollback') await withdraw(deps, before, supersededBy(before), by, 'a rollback was requested instead');
  await wake(deps, id);
  return requireIncident(deps, id);
}

/** Adds what a person writes when resolving an incident that is resolved already to its timeline, once. */
async function keepLateNote(deps: ActDeps, by: string, { id, action, note }: ResponseRequest): Promise<void> {
  if (action !== 'resolve' || note === '') return;
  const resolve = (await deps.incidents.read(id))?.last_requests?.resolve;
  if (resolve?.by === by && resolve.note === note) return;
  const entry = { at: deps.clock.now(), actor: by, kind: 'note', text: note, detail: null };
  await deps.incidents.note(id, `late-note-${sha256(`${by} ${note}`)}`, entry);
}

/** @throws Refusal 409 if the status page never shows the incident, so that an approval would have no effect */
export async function refuseUnshown(
  deps: Pick<Deps, 'config' | 'extensions'>,
  incident: Pick<IncidentView, 'id' | 'number' | 'service' | 'environment' | 'severity' | 'status'>,
): Promise<void> {
  if (incident.status === 'resolved') throw incidentResolved(incident);
  const reason = await whyNotPublic(deps, incident);
  if (reason !== null) throw new Refusal(409, 'not-on-status-page', `nothing was published, because ${reason}`);
}

/** Returns the stored action of a repeated request, because the incident may have changed since. */
async function actionRequestNow(
  deps: ActDeps,
  requested: ResponseRequest,
  before: IncidentView,
  by: string,
): Promise<ActionRequest> {
  const stored = requested.storedKey?.stored;
  if (stored === undefined) return actionRequestOf(deps, requested, before, by);
  return stored === null ? { fulfilled: true } : { fulfilled: false, idempotencyKey: stored };
}

async function postedActionOf(
  deps: ActDeps,
  caller: Caller,
  before: IncidentView,
  requested: ResponseRequest,
): Promise<PostedAction> {
  const { action, note } = requested;
  if (action === 'rollback') return postedRollback(deps, caller, before, requested);
  if (action === 'reopen') throw new RangeError('a resolved incident takes no messages');
  return action === 'resolve' ? postedResolve(deps, caller, before, note) : POSTED_ACTIONS[action](caller.name, note);
}

/** Reopens a resolved incident, and starts its next run. */
async function reopen(deps: ActDeps, id: IncidentId, by: string, note: string): Promise<IncidentView> {
  const result = await deps.incidents.reopen(id, { by, note });
  if (result.kind === 'other_open')
    throw new Refusal(
      409,
      'other-incident-open',
      `${incidentName(await requireIncident(deps, result.id))} of the same service is already open`,
    );
  if (result.kind === 'refused' && result.because !== 'open')
    throw new Refusal(409, 'not-reopenable', NOT_REOPENABLE[result.because]);
  await wake(deps, id);
  return requireIncident(deps, id);
}

const NOT_REOPENABLE: Readonly<Record<NotReopenable, string>> = {
  group: 'a group of incidents cannot be reopened: reopen one of its incidents',
  unmatched: 'an incident of a service outside the catalogue cannot be reopened: declare another one',
};

/** Resolves an incident. For a parent, the workflow also closes the children. */
async function postedResolve(
  { incidentGroups }: ActDeps,
  { name: by }: Caller,
  { id }: IncidentView,
  note: string,
): Promise<PostedAction> {
  const also = openChildrenWords(openChildren(await incidentGroups.children(id)));
  const text = note || 'Requested resolution of the incident';
  return {
    message: { kind: 'resolve', by, note },
    change: {
      ...timelineChange(by, 'resolve.requested', also === null ? text : `${text}; this also resolves ${also}`),
      ...(note !== '' && { words: note }),
    },
  };
}

/** @throws Refusal 409 for a group of incidents, which runs no version of its own */
async function refuseGroup({ incidentGroups }: ActDeps, incident: IncidentView): Promise<void> {
  if (incident.children === undefined) return;
  const open = (await incidentGroups.children(incident.id)).filter(({ incident: { status } }) => status !== 'resolved');
  const names = open.slice(0, CHILDREN_NAMED).map(({ incident: child }) => `${incidentName(child)} (${child.service})`);
  const more = open.length - names.length;
  throw new Refusal(
    409,
    'rollback-of-group',
    `${incidentName(incident)} is a group of incidents, which has no version to roll back: roll back in one of its incidents${names.length === 0 ? '' : `: ${names.join(', ')}${more > 0 ? `, and ${more} more` : ''}`}`,
  );
}

/** Requests a rollback. If the version was cleared, this suspects it again. A repeated request is not refused. */
async function postedRollback(
  deps: ActDeps,
  caller: Caller,
  incident: IncidentView,
  { note, from, to, shown, movedKnown, storedKey }: ResponseRequest,
): Promise<PostedAction> {
  const { service, environment } = incident;
  const { name: by } = caller;
  await refuseGroup(deps, incident);
  const plan = await planRollback(deps, caller, { service, environment }, to);
  if (storedKey?.stored === undefined) {
    requirePossible(plan);
    const other = from && whyPlanDiffers(plan, { service, environment, from, to: to ?? shown ?? null });
    if (other) throw new Refusal(409, 'superseded', `${other}, so nothing was rolled back: look at it again`);
  }
  const running = from ?? plan.live?.version;
  const text = note === '' ? `Requested a rollback${to === undefined ? '' : ` to ${to}`}` : withVersion(note, to);
  const suggestion = to === undefined ? from : running;
  const command: RollbackCommand = {
    from: running ?? null,
    to: plan.target?.kind === 'version' ? plan.target.version : null,
  };
  return {
    message: {
      kind: 'rollback',
      by,
      note,
      ...(suggestion !== undefined && { from: suggestion }),
      ...(to !== undefined && { to }),
      ...(movedKnown && { moved_known: true }),
    },
    change: ({ cleared }) => {
      const clearing =
        running === undefined
          ? undefined
          : clearingOfVersion(cleared, { service, version: running }, plan.live === undefined ? [] : [plan.live]);
      if (clearing === undefined)
        return { rollbackRequested: command, ...timelineChange(by, 'rollback.requested', text, command) };
      const restored = { by, at: deps.clock.now() };
      return {
        cleared: withWithdrawn(cleared, [clearing], restored),
        rollbackRequested: command,
        ...timelineChange(
          by,
          'rollback.requested',
          `${text}; ${clearing.version} is therefore suspected again`,
          command,
        ),
      };
    },
  };
}

/** Maximum number of incidents of a group that a refusal names. */
const CHILDREN_NAMED = 5;

const withVersion = (note: string, to: Version | undefined): string =>
  to === undefined ? note : `${note} (requested a rollback to ${to})`;

/**
 * Returns whether a question about the requested rollback waits, so that it is not requested again. The request counts as the
 * approval of a second person, but does not confirm what its sender was not told. A repeated request changes nothing.
 */
async function isAboutQuestion(
  deps: Pick<Deps, 'decisions'>,
  { id, service, environment, decisions }: IncidentView,
  by: string,
  { note, to, movedKnown }: ResponseRequest,
): Promise<boolean> {
  const tellsMore = (decision: IncidentView['decisions'][number]): boolean => !movedKnown && saysNameMoved(decision);
  const decision = decisions.find(
    (one) =>
      one.state === 'waiting' &&
      (one.because === 'second_person' || tellsMore(one)) &&
      (one.target === null || (one.target.service === service && one.target.environment === environment)),
  );
  if (decision === undefined) return false;
  const named = (await deps.decisions.inputs(id, Number(numberOf(decision.id))))?.request.to;
  // A request for another version is another rollback.
  if (to === undefined ? named !== undefined : to !== decision.to_version) return false;
  if (tellsMore(decision)) return true;
  return (await deps.decisions.answer(id, decision.digest, 'approved', by, note)) !== 'superseded';
}

/**
 * Returns the rollback decisions that a manual rollback of the same service supersedes, without questions of runbooks.
 */
const supersededBy = ({ service, environment, decisions }: IncidentView): IncidentView['decisions'] =>
  decisions.filter(
    ({ question, target }) =>
      question === undefined && (target === null || (target.service === service && target.environment === environment)),
  );

/** Withdraws the questions that are still waiting. */
async function withdraw(
  deps: ActDeps,
  { id }: IncidentView,
  decisions: IncidentView['decisions'],
  by: string,
  because: string,
): Promise<void> {
  for (const decision of decisions.filter(({ state }) => state === 'waiting'))
    await withdrawQuestion(deps, id, decision, { by, because });
}
