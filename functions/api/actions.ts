import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { ChangeId, IncidentId, Version } from '../../schemas/names.ts';
import { answerDecision } from '../acts/answer.ts';
import { markWrong } from '../acts/mark-wrong.ts';
import { notTheDeploy } from '../acts/not-the-deploy.ts';
import { suspectAgain } from '../acts/suspect-again.ts';
import { TAKE_OVERS, takeOver } from '../acts/take-over.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';
import { Incident } from './incidents.ts';

const params = z.object({ id: IncidentId });
const Note = z.strictObject({ note: z.string().max(2000).default('') });
const Suspected = z.strictObject({ change_id: ChangeId, note: z.string().max(2000).default('') });
/** `version`: where to. Absent: the newest version that is known good. */
const Rollback = z.strictObject({ note: z.string().max(2000).default(''), version: Version.optional() });
const Answer = z.strictObject({ digest: z.string().min(1).max(128), note: z.string().max(2000).default('') });

/** A person takes over, at any moment. */
export function actionRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/actions/rollback',
      tags: ['actions'],
      summary: 'A person takes over: rollback of what runs, to the newest version known good or to the one named',
      request: { params, body: { required: false, content: { 'application/json': { schema: Rollback } } } },
      responses: {
        202: answers('Taken', Incident),
        404: problems('Unknown'),
        409: problems('Not now, or not to this version'),
        422: problems('version-unknown: no deployment of it is recorded there; `detail` has those most alike'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const asked = c.req.valid('json');
      const to = asked?.version;
      const wanted = { id, action: 'rollback', note: asked?.note ?? '', ...(to !== undefined && { to }) } as const;
      return c.json(await takeOver(deps, c.var.who, wanted), 202);
    },
  );

  for (const action of TAKE_OVERS.filter((one) => one !== 'rollback')) {
    endpoint(
      app,
      deps,
      'incidents:act',
      createRoute({
        method: 'post',
        path: `/v1/incidents/{id}/actions/${action}`,
        tags: ['actions'],
        summary: `A person takes over: ${action}`,
        request: { params, body: { required: false, content: { 'application/json': { schema: Note } } } },
        responses: { 202: answers('Taken', Incident), 404: problems('Unknown'), 409: problems('Not now') },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const note = c.req.valid('json')?.note ?? '';
        return c.json(await takeOver(deps, c.var.who, { id, action, note }), 202);
      },
    );
  }

  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'post',
      path: '/v1/incidents/{id}/actions/mark-wrong',
      tags: ['actions'],
      summary: 'What automation has done for it was wrong; also when it is over',
      request: { params, body: { required: false, content: { 'application/json': { schema: Note } } } },
      responses: {
        202: answers('Taken', Incident),
        404: problems('Unknown'),
        409: problems('nothing-to-mark: automation has done nothing for it'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(await markWrong(deps, c.var.who, { id, note: c.req.valid('json')?.note ?? '' }), 202);
    },
  );

  for (const [name, summary, act] of [
    ['clear-suspect', 'This change was not the cause: it is no suspect of this incident any more', notTheDeploy],
    ['suspect-again', 'What was cleared may be the cause after all', suspectAgain],
  ] as const) {
    endpoint(
      app,
      deps,
      'incidents:act',
      createRoute({
        method: 'post',
        path: `/v1/incidents/{id}/actions/${name}`,
        tags: ['actions'],
        summary,
        request: { params, ...body(Suspected) },
        responses: {
          202: answers('Taken', Incident),
          404: problems('Unknown'),
          409: problems('no-suspect: it is of another environment; not-cleared: nobody has cleared it'),
          422: problems('What is wrong with it'),
        },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { change_id: change, note: text } = c.req.valid('json');
        const done = await act(deps, c.var.who, { id, change, text, key: `cleared-${change}-by-${c.var.who.name}` });
        return c.json('incident' in done ? done.incident : done, 202);
      },
    );
  }

  for (const [name, answer] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const) {
    endpoint(
      app,
      deps,
      'incidents:act',
      createRoute({
        method: 'post',
        path: `/v1/incidents/{id}/actions/${name}`,
        tags: ['actions'],
        summary: `Answer the decision with this digest: ${name}`,
        request: { params, ...body(Answer) },
        responses: {
          200: answers('Taken', Incident),
          404: problems('Unknown'),
          409: problems('superseded: not the decision that waits; paused: not while automation is'),
          422: problems('What is wrong with it'),
        },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        return c.json(await answerDecision(deps, c.var.who, { id, answer, ...c.req.valid('json') }), 200);
      },
    );
  }
}
