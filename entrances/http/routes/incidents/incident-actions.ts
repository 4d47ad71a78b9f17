import * as z from 'zod';
import type { ApiDeps } from '../../deps.ts';
import { ChangeId, Version } from '../../../../schemas/config/names.ts';
import { answerDecision } from '../../../../core/actions/incidents/answer-decision.ts';
import { markWrong } from '../../../../core/actions/incidents/mark-wrong.ts';
import { requestLook } from '../../../../core/actions/look/request-look.ts';
import { clearSuspectChange } from '../../../../core/actions/incidents/clear-suspect.ts';
import { restoreSuspectChange } from '../../../../core/actions/incidents/restore-suspect.ts';
import { turnFlagOn } from '../../../../core/actions/incidents/turn-flag-on.ts';
import { RESPONSE_ACTIONS } from '../../../../core/actions/incidents/action-request.ts';
import { executeResponseAction } from '../../../../core/actions/incidents/response-action.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../endpoint.ts';
import { incidentParams } from '../../incident-param.ts';
import { Incident } from './incidents.ts';
import { freeText } from '../../../../schemas/parsing/free-text.ts';

const Note = z.strictObject({ note: freeText(2000).default('') });
const Suspected = z.strictObject({ change_id: ChangeId, note: freeText(2000).default('') });
const FlagAgain = z.strictObject({ flag: z.string().min(1).max(256), note: freeText(2000).default('') });
/** `version`: the target version. Defaults to the newest known good version. */
const Rollback = z.strictObject({ note: freeText(2000).default(''), version: Version.optional() });
const Answer = z.strictObject({ digest: z.string().min(1).max(128), note: freeText(2000).default('') });

const SUMMARIES = {
  pause: 'Pause the automation of an incident',
  resume: 'Resume the automation of an incident',
  abort: 'Abort the automation of an incident: withdraw its question, and start nothing new',
  resolve: 'Resolve an incident',
  reopen: 'Reopen a resolved incident: a new run of the same incident',
  publish: 'Approve showing an incident on the status page',
} as const;

const optionalBody = <Schema extends z.ZodType>(schema: Schema) =>
  ({ body: { required: false, content: { 'application/json': { schema } } } }) as const;

/** Registers the actions with which a person takes over an incident or answers a decision. */
export function incidentActionRoutes(app: Api, deps: ApiDeps): void {
  const params = incidentParams(deps);

  /** Returns the route of an action on an incident. */
  const actionRoute = <Name extends string, Body extends object, Responses extends object>(
    name: Name,
    summary: string,
    requestBody: Body,
    responses: Responses,
  ) =>
    createRoute({
      method: 'post',
      path: `/v1/incidents/{id}/actions/${name}`,
      tags: ['actions'],
      summary,
      request: { params, ...requestBody },
      responses: { 404: problems('Not found'), ...responses },
    });

  endpoint(
    app,
    deps,
    'incidents:act',
    actionRoute(
      'rollback',
      'Roll back the running version to the newest known good version, or to a given version',
      optionalBody(Rollback),
      {
        202: answers(
          'Accepted. A question waits in `decisions` if a second person must agree, or if the name of the version means another commit now (`version_name_moved`): `approve` confirms it',
          Incident,
        ),
        409: problems(
          'The incident does not allow a rollback now, or not to this version; no-deployer: services.yaml has no such service, or no deployer for it; nothing-runs: no deployment is recorded; no-rollback-target: no earlier version is known to be good; rollback-of-group: roll back in one of its incidents',
        ),
        422: problems(
          'version-unknown: no deployment of this version is recorded there; version-ambiguous: several versions have this name; `detail` lists versions',
        ),
      },
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const request = c.req.valid('json');
      const to = request?.version;
      const rollback = { id, action: 'rollback', note: request?.note ?? '', ...(to !== undefined && { to }) } as const;
      return c.json(await executeResponseAction(deps, c.var.caller, rollback), 202);
    },
  );

  for (const action of RESPONSE_ACTIONS.filter((name) => name !== 'rollback')) {
    endpoint(
      app,
      deps,
      'incidents:act',
      actionRoute(action, SUMMARIES[action], optionalBody(Note), {
        202: answers('Accepted', Incident),
        409: problems('The incident does not allow this action now'),
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const note = c.req.valid('json')?.note ?? '';
        return c.json(await executeResponseAction(deps, c.var.caller, { id, action, note }), 202);
      },
    );
  }

  endpoint(
    app,
    deps,
    'incidents:act',
    actionRoute(
      'mark-wrong',
      'Mark the automatic action for this incident as wrong; also possible after the incident is resolved',
      optionalBody(Note),
      {
        202: answers('Accepted', Incident),
        409: problems('nothing-to-mark: automation has taken no action for this incident'),
      },
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(await markWrong(deps, c.var.caller, { id, note: c.req.valid('json')?.note ?? '' }), 202);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:act',
    actionRoute(
      'look',
      'Test the versions of a waiting question: one fresh instance of each, compared, and then removed',
      optionalBody(z.strictObject({ digest: z.string().min(1).max(128).optional() })),
      {
        202: answers('Accepted', Incident),
        409: problems('superseded: the question waits no more; look-refused: the versions cannot be tested'),
      },
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(await requestLook(deps, c.var.caller, { id, digest: c.req.valid('json')?.digest }), 202);
    },
  );

  for (const [name, summary, act] of [
    ['clear-suspect', 'Clear a change of suspicion: it did not cause this incident', clearSuspectChange],
    ['suspect-again', 'Suspect a cleared change again', restoreSuspectChange],
  ] as const) {
    endpoint(
      app,
      deps,
      'incidents:act',
      actionRoute(name, summary, body(Suspected), {
        202: answers('Accepted', Incident),
        409: problems('no-suspect: the change belongs to another environment; not-cleared: the change is not cleared'),
        422: problems('Validation failed'),
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { change_id: change, note: text } = c.req.valid('json');
        const key = `cleared-${change}-by-${c.var.caller.name}`;
        const { incident } = await act(deps, c.var.caller, { id, change, text, key });
        return c.json(incident, 202);
      },
    );
  }

  endpoint(
    app,
    deps,
    'incidents:act',
    actionRoute(
      'turn-flag-on',
      'Turn on a feature flag again that Firebreak has turned off; also possible after the incident is resolved',
      body(FlagAgain),
      {
        202: answers('Accepted', Incident),
        409: problems(
          'flag-not-off: Firebreak has not turned off this flag here; flag-changed: someone else has changed it since; automation-paused: the kill switch is on',
        ),
        422: problems('Validation failed'),
      },
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(await turnFlagOn(deps, c.var.caller, { id, ...c.req.valid('json') }), 202);
    },
  );

  for (const [name, summary, answer] of [
    ['approve', 'Approve the pending decision that has this digest', 'approved'],
    ['reject', 'Reject the pending decision that has this digest', 'rejected'],
  ] as const) {
    endpoint(
      app,
      deps,
      'incidents:act',
      actionRoute(name, summary, body(Answer), {
        200: answers('Recorded', Incident),
        409: problems('superseded: another decision is pending now; paused: automation is paused'),
        422: problems('Validation failed'),
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { incident } = await answerDecision(deps, c.var.caller, { id, answer, ...c.req.valid('json') });
        return c.json(incident, 200);
      },
    );
  }
}
