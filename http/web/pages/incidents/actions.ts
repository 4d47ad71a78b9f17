import * as z from 'zod';
import { acknowledge, takeRole, triage } from '../../../../actions/incidents/acknowledge.ts';
import { answerDecision } from '../../../../actions/incidents/answer-decision.ts';
import type { Caller } from '../../../../actions/people/caller.ts';
import { note } from '../../../../actions/incidents/declare-incident.ts';
import { markWrong } from '../../../../actions/incidents/mark-wrong.ts';
import { executeResponseAction } from '../../../../actions/incidents/response-action.ts';
import { turnFlagOn } from '../../../../actions/incidents/turn-flag-on.ts';
import { Refusal } from '../../../../actions/refusal.ts';
import { IncidentId, Severity, Version } from '../../../../schemas/config/names.ts';
import { type ConsoleDeps, field, type PageAction } from '../page.ts';

/** What a person can do on the page of an incident. */
type IncidentAction = Omit<PageAction, 'run'> & {
  run(deps: ConsoleDeps, caller: Caller, id: IncidentId, form: URLSearchParams, key: string): Promise<unknown>;
};

const Note = z.string().trim().max(2000).default('');

const answer = (verdict: 'approved' | 'rejected', done: string): IncidentAction => ({
  permission: 'incidents:act',
  done,
  run: (deps, caller, id, form) => {
    const digest = field(form, 'digest', z.string().max(128));
    return answerDecision(deps, caller, { id, digest, answer: verdict, note: field(form, 'note', Note) });
  },
});

const responseAction = (
  action: 'pause' | 'resume' | 'abort' | 'publish' | 'resolve',
  done: string,
): IncidentAction => ({
  permission: 'incidents:act',
  done,
  run: (deps, caller, id, form) => executeResponseAction(deps, caller, { id, action, note: field(form, 'note', Note) }),
});

export const INCIDENT_ACTIONS = {
  approve: answer('approved', 'Approved. Firebreak executes it now.'),
  reject: answer('rejected', 'Rejected. Nothing is done.'),
  rollback: {
    permission: 'incidents:act',
    done: 'Rollback requested.',
    run: (deps, caller, id, form) => {
      const [from, shown, to] = ['from', 'shown', 'to'].map((name) => field(form, name, Version.optional()));
      return executeResponseAction(deps, caller, {
        id,
        action: 'rollback',
        note: field(form, 'note', Note),
        ...(from !== undefined && { from }),
        ...(to !== undefined && to !== shown ? { to } : shown !== undefined && { shown }),
      });
    },
  },
  acknowledge: {
    permission: 'incidents:write',
    done: 'Acknowledged.',
    run: (deps, caller, id) => acknowledge(deps, caller, { id }),
  },
  'take-command': {
    permission: 'incidents:write',
    done: 'You are the incident commander.',
    run: (deps, caller, id) => takeRole(deps, caller, { id, role: 'commander' }),
  },
  severity: {
    permission: 'incidents:write',
    done: 'Severity set.',
    run: (deps, caller, id, form) => triage(deps, caller, { id, severity: field(form, 'severity', Severity) }),
  },
  note: {
    permission: 'incidents:write',
    done: 'Note added.',
    run: (deps, caller, id, form, key) => {
      const text = field(form, 'text', z.string('write a note').trim().min(1).max(4000));
      return note(deps, caller, { id, key: `note-${key}`, text, detail: null });
    },
  },
  pause: responseAction('pause', 'Automation of this incident is paused.'),
  resume: responseAction('resume', 'Automation of this incident is resumed.'),
  publish: responseAction('publish', 'Publication on the status page is approved.'),
  'mark-wrong': {
    permission: 'incidents:act',
    done: 'Marked as wrong. It counts against the automation of the service.',
    run: (deps, caller, id, form) => markWrong(deps, caller, { id, note: field(form, 'note', Note) }),
  },
  'turn-flag-on': {
    permission: 'incidents:act',
    done: 'Requested. The timeline shows the result.',
    run: (deps, caller, id, form) => {
      const flag = field(form, 'flag', z.string().min(1).max(256));
      return turnFlagOn(deps, caller, { id, flag, note: field(form, 'note', Note) });
    },
  },
  resolve: responseAction('resolve', 'Resolution requested.'),
} as const satisfies Record<string, IncidentAction>;

export type IncidentActionName = keyof typeof INCIDENT_ACTIONS;

/** The actions as those of a page, whose path contains the ID of the incident. */
export const incidentActions: Readonly<Record<string, PageAction>> = Object.fromEntries(
  Object.entries<IncidentAction>(INCIDENT_ACTIONS).map(([name, action]) => [
    name,
    {
      ...action,
      run: async (deps, { caller, param, form, key }) => {
        const { data: id } = IncidentId.safeParse(param['id']);
        if (id === undefined) throw new Refusal(404, 'unknown-incident', 'there is no such incident');
        await action.run(deps, caller, id, form, key);
      },
    },
  ]),
);
