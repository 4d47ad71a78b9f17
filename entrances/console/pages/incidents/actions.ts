import * as z from 'zod';
import { html } from 'hono/html';
import {
  acknowledge,
  assignRole,
  handOver,
  leaveRole,
  type Publication,
  sendUpdateToStakeholders,
  takeRole,
  triage,
} from '../../../../core/actions/incidents/acknowledge.ts';
import { UPDATE_RECORDED } from '../../../../core/domain/people/roles.ts';
import { clearingWords, clearSuspectChange } from '../../../../core/actions/incidents/clear-suspect.ts';
import { restoreSuspectChange, restoringWords } from '../../../../core/actions/incidents/restore-suspect.ts';
import { holderNamed } from '../../../../core/actions/incidents/role-holders.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { isSameActor } from '../../../../core/domain/access/actor-identity.ts';

import { answerDecision } from '../../../../core/actions/incidents/answer-decision.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { note } from '../../../../core/actions/incidents/declare-incident.ts';
import { markWrong } from '../../../../core/actions/incidents/mark-wrong.ts';
import { requestLook } from '../../../../core/actions/look/request-look.ts';
import { executeResponseAction } from '../../../../core/actions/incidents/response-action.ts';
import { turnFlagOn } from '../../../../core/actions/incidents/turn-flag-on.ts';
import { repeatedText } from '../../../../core/domain/changes/superseded.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { ChangeId, IncidentId, Severity, Version } from '../../../../schemas/config/names.ts';
import { IncidentRole, NextUpdateMinutes } from '../../../../schemas/people/response-roles.ts';
import { undoForm } from '../../notices.ts';
import {
  changedSince,
  type ConsoleDeps,
  field,
  FieldRefusal,
  fields,
  filled,
  type PageAction,
  type Undo,
} from '../page.ts';

/** What a person can do on the page of an incident. */
type IncidentAction = Omit<PageAction, 'run' | 'confirm'> & {
  run(
    deps: ConsoleDeps,
    caller: Caller,
    id: IncidentId,
    form: URLSearchParams,
    key: string,
  ): Promise<{ text?: string; undo?: Undo } | void>;
};

/** The value of a field for the person who sends the form. No ID of a person looks like it. */
export const MYSELF = ':myself';

/** The holder of a role that nobody has. No ID of a person looks like it. */
const NOBODY = ':nobody';

const ROLE_UNDONE_BY = { leave: ['role'], assign: ['role', 'to', 'from'] } as const;

/**
 * Changes the holder of a role. Returns how the role is given back; empty: its former holder is not in people.yaml, or
 * another person holds a role that was unassigned.
 */
async function roleUndo(
  deps: ConsoleDeps,
  caller: Caller,
  id: IncidentId,
  role: IncidentRole,
  change: () => Promise<unknown>,
): Promise<{ undo?: Undo }> {
  const before = (await deps.incidents.read(id))?.roles?.[role];
  await change();
  const now = (await deps.incidents.read(id))?.roles?.[role];
  if (before === undefined)
    return now !== undefined && isSameActor(now.name, caller.name)
      ? { undo: { action: 'leave', fields: { role } } }
      : {};
  const isMine = isSameActor(before.name, caller.name);
  const isListed = Object.hasOwn((await deps.config.current()).people.people, before.name);
  const from = now?.name ?? NOBODY;
  return isMine || isListed
    ? { undo: { action: 'assign', fields: { role, to: isMine ? MYSELF : before.name, from } } }
    : {};
}

/** @throws Refusal 409 if the role has another holder than the one whose assignment is to be undone */
async function refuseAnotherHolder(
  deps: ConsoleDeps,
  id: IncidentId,
  role: IncidentRole,
  from: string | undefined,
): Promise<void> {
  const holder = (await deps.incidents.read(id))?.roles?.[role];
  if (from !== undefined && from !== (holder?.name ?? NOBODY))
    throw changedSince(holder === undefined ? `nobody is ${role} now` : `${holder.shown} is ${role} now`);
}

const SHOWN_PUBLICATIONS: Readonly<Record<Exclude<Publication['state'], 'not_shown'>, string>> = {
  published: 'The status page can now show the incident, with its own texts.',
  waits: 'The status page still waits for approval: use “Publish on the status page…”.',
  nothing: '',
};

const publicationText = (publication: Publication): string =>
  publication.state === 'not_shown'
    ? `The status page does not show the incident, because ${publication.reason}.`
    : SHOWN_PUBLICATIONS[publication.state];

const Note = z.string().max(2000).default('');

const answer = (verdict: 'approved' | 'rejected', done: string): IncidentAction => ({
  permission: 'incidents:act',
  done,
  run: async (deps, caller, id, form) => {
    const digest = field(form, 'digest', z.string().max(128));
    const sent = { id, digest, answer: verdict, note: field(form, 'note', Note) };
    const { incident, isRepeated } = await answerDecision(deps, caller, sent);
    return isRepeated ? { text: repeatedText(incident, digest) } : {};
  },
});

const responseAction = (
  action: 'pause' | 'resume' | 'abort' | 'publish' | 'resolve' | 'reopen',
  done: string,
  undoneBy?: 'pause' | 'resume',
): IncidentAction => ({
  permission: 'incidents:act',
  done,
  ...(undoneBy !== undefined && { undoneBy: { [undoneBy]: ['since'] } }),
  run: async (deps, caller, id, form) => {
    const { note: text, since } = fields(form, { note: Note, since: z.string().max(64).optional() });
    const switched = async () => (await deps.incidents.read(id))?.last_requests?.switched;
    const last = since === undefined ? undefined : await switched();
    if (last !== undefined && last.at !== since)
      throw changedSince(`its automation was switched again (${last.action})`);
    await executeResponseAction(deps, caller, { id, action, note: text });
    if (undoneBy === undefined) return {};
    return { undo: { action: undoneBy, fields: { since: (await switched())?.at ?? '' } } };
  },
});

/** Refusals of a version that a person has entered. */
const ABOUT_VERSION: ReadonlySet<string> = new Set(['version-unknown', 'version-ambiguous']);

export const INCIDENT_ACTIONS = {
  approve: answer('approved', 'Approved. Firebreak checks it once more, and executes it then.'),
  reject: answer('rejected', 'Rejected. Nothing is done.'),
  look: {
    permission: 'incidents:act',
    done: 'The test is requested. The timeline shows its result.',
    run: async (deps, caller, id, form) =>
      void (await requestLook(deps, caller, { id, digest: field(form, 'digest', z.string().max(128)) })),
  },
  rollback: {
    permission: 'incidents:act',
    done: 'Rollback requested.',
    run: async (deps, caller, id, form) => {
      const [from, shown, to] = ['from', 'shown', 'to'].map((name) => field(form, name, Version.optional()));
      if (to === undefined && shown === undefined)
        throw new FieldRefusal([{ field: 'to', text: 'name a version, because none is known to be good' }]);
      const requested = executeResponseAction(deps, caller, {
        id,
        action: 'rollback',
        note: field(form, 'note', Note),
        ...(from !== undefined && { from }),
        ...(to !== undefined && to !== shown ? { to } : shown !== undefined && { shown }),
      });
      await requested.catch((error: unknown) => {
        const isAboutVersion = error instanceof Refusal && ABOUT_VERSION.has(error.code);
        throw isAboutVersion ? new FieldRefusal([{ field: 'to', text: error.detail }]) : error;
      });
    },
  },
  acknowledge: {
    permission: 'incidents:write',
    done: 'Acknowledged.',
    run: async (deps, caller, id) => void (await acknowledge(deps, caller, { id })),
  },
  'take-command': {
    permission: 'incidents:write',
    done: 'You are the incident commander.',
    undoneBy: ROLE_UNDONE_BY,
    run: (deps, caller, id) =>
      roleUndo(deps, caller, id, 'commander', () => takeRole(deps, caller, { id, role: 'commander' })),
  },
  assign: {
    permission: 'incidents:write',
    done: 'Role assigned.',
    undoneBy: ROLE_UNDONE_BY,
    run: async (deps, caller, id, form, key) => {
      const { role, to, from } = fields(form, {
        role: IncidentRole,
        to: filled('choose a person').max(64),
        from: z.string().max(128).optional(),
      });
      await refuseAnotherHolder(deps, id, role, from);
      if (to === MYSELF || isSameActor(to, caller.name))
        return roleUndo(deps, caller, id, role, () => takeRole(deps, caller, { id, key, role }));
      const holder = await holderNamed(deps, caller, id, to);
      return roleUndo(deps, caller, id, role, () => assignRole(deps, caller, { id, key, role, to: holder }));
    },
  },
  leave: {
    permission: 'incidents:write',
    done: 'You have left the role.',
    undoneBy: ROLE_UNDONE_BY,
    run: (deps, caller, id, form, key) => {
      const role = field(form, 'role', IncidentRole);
      return roleUndo(deps, caller, id, role, () => leaveRole(deps, caller, { id, key, role }));
    },
  },
  'hand-over': {
    permission: 'incidents:write',
    done: 'Command handed over. The summary is on the timeline.',
    undoneBy: ROLE_UNDONE_BY,
    run: async (deps, caller, id, form, key) => {
      const { to, brief = null } = fields(form, {
        to: filled('choose a person').max(64),
        brief: z.string().max(3000).optional(),
      });
      const holder = await holderNamed(deps, caller, id, to);
      return roleUndo(deps, caller, id, 'commander', () => handOver(deps, caller, { id, key, to: holder, brief }));
    },
  },
  update: {
    permission: 'incidents:write',
    done: UPDATE_RECORDED,
    run: async (deps, caller, id, form, key) => {
      const { text, publish, next } = fields(form, {
        text: filled('write an update').max(3000),
        next: z.coerce.number().pipe(NextUpdateMinutes).optional(),
        publish: z.literal('yes').optional(),
      });
      const sent = await sendUpdateToStakeholders(deps, caller, {
        id,
        key,
        text,
        publish: publish === 'yes' ? 'if_shown' : 'no',
        nextMinutes: next,
      });
      const also = publicationText(sent.public);
      return also === '' ? {} : { text: `${UPDATE_RECORDED} ${also}` };
    },
  },
  severity: {
    permission: 'incidents:write',
    done: 'Severity set.',
    undoneBy: { severity: ['severity', 'from'] },
    run: async (deps, caller, id, form, key) => {
      const { severity, from } = fields(form, { severity: Severity, from: Severity.optional() });
      const before = (await deps.incidents.read(id))?.severity;
      if (from !== undefined && before !== undefined && from !== before)
        throw changedSince(`the severity is ${before} now`);
      await triage(deps, caller, { id, key, severity });
      return before === undefined || before === severity
        ? {}
        : { undo: { action: 'severity', fields: { severity: before, from: severity } } };
    },
  },
  note: {
    permission: 'incidents:write',
    done: 'Note added.',
    run: async (deps, caller, id, form, key) => {
      const text = field(form, 'text', filled('write a note').max(4000));
      await note(deps, caller, { id, key: `note-${key}`, text, detail: null });
    },
  },
  pause: responseAction('pause', 'Automation of this incident is paused.', 'resume'),
  resume: responseAction('resume', 'Automation of this incident is resumed.', 'pause'),
  abort: responseAction('abort', 'Automation of this incident is aborted. A rollback in progress continues.'),
  'clear-suspect': {
    permission: 'incidents:act',
    done: 'Suspect cleared.',
    run: async (deps, caller, id, form, key) => {
      const { change, note: text } = fields(form, { change: ChangeId, note: Note });
      const result = await clearSuspectChange(deps, caller, { id, change, text, key });
      return { text: clearingWords(result, caller.name), undo: { action: 'suspect-again', fields: { change } } };
    },
  },
  'suspect-again': {
    permission: 'incidents:act',
    done: 'The version is suspected again.',
    run: async (deps, caller, id, form) => {
      const { change, note: text } = fields(form, { change: ChangeId, note: Note });
      return { text: restoringWords(await restoreSuspectChange(deps, caller, { id, change, text })) };
    },
  },
  publish: responseAction('publish', 'Publication on the status page is approved.'),
  'mark-wrong': {
    permission: 'incidents:act',
    done: 'Marked as wrong. It counts against the automation of the service.',
    run: async (deps, caller, id, form) =>
      void (await markWrong(deps, caller, { id, note: field(form, 'note', Note) })),
  },
  'turn-flag-on': {
    permission: 'incidents:act',
    done: 'Requested. The timeline shows the result.',
    run: async (deps, caller, id, form) => {
      const flag = field(form, 'flag', z.string().min(1).max(256));
      await turnFlagOn(deps, caller, { id, flag, note: field(form, 'note', Note) });
    },
  },
  resolve: responseAction('resolve', 'Resolution requested.'),
  reopen: responseAction('reopen', 'Reopened. A new run of the incident has started.'),
} as const satisfies Record<string, IncidentAction>;

export type IncidentActionName = keyof typeof INCIDENT_ACTIONS;

/** The actions as those of a page, whose path contains the ID of the incident. */
export const incidentActions: Readonly<Record<string, PageAction>> = Object.fromEntries(
  Object.entries<IncidentAction>(INCIDENT_ACTIONS).map(([name, action]) => [
    name,
    {
      ...action,
      run: async (deps, { viewer, caller, param, form, key }) => {
        const { data: id } = IncidentId.safeParse(param['id']);
        if (id === undefined) throw new Refusal(404, 'unknown-incident', 'there is no such incident');
        const { text, undo } = (await action.run(deps, caller, id, form, key)) ?? {};
        if (text === undefined) return undo && { undo };
        return html`<p>${text}</p>
          ${undo === undefined ? '' : undoForm(incidentPath(id), viewer.csrfToken, undo)}`;
      },
    },
  ]),
);
