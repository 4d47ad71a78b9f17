import { createRoute, z } from '@hono/zod-openapi';
import type { Deps, IncidentChange } from '../../domain/ports.ts';
import type { Message } from '../../schemas/inbox.ts';
import { IncidentId } from '../../schemas/names.ts';
import { wake } from '../../workflows/wake.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';
import { Incident, resolved, view } from './incidents.ts';
import { Refusal } from './problem.ts';

const params = z.object({ id: IncidentId });
const Note = z.strictObject({ note: z.string().max(2000).default('') });
const Answer = z.strictObject({ digest: z.string().min(1).max(128), note: z.string().max(2000).default('') });

/** What each action leaves in the inbox, and changes at once. */
const ACTIONS: Record<
  'rollback' | 'pause' | 'resume' | 'abort' | 'resolve' | 'mark-wrong',
  (by: string, note: string) => { message: Message; change: IncidentChange }
> = {
  rollback: (by, note) => ({
    message: { kind: 'rollback', by, note },
    change: said(by, 'rollback.asked', note || 'Asked for a rollback'),
  }),
  pause: (by, note) => ({
    message: { kind: 'pause', by, note },
    change: {
      automationPaused: true,
      ...said(by, 'automation.paused', note || 'Paused the automation of this incident'),
    },
  }),
  resume: (by, note) => ({
    message: { kind: 'resume', by, note },
    change: {
      automationPaused: false,
      ...said(by, 'automation.resumed', note || 'Resumed the automation of this incident'),
    },
  }),
  abort: (by, note) => ({
    message: { kind: 'abort', by, note },
    change: {
      automationPaused: true,
      ...said(by, 'automation.aborted', note || 'Aborted what the automation had not begun'),
    },
  }),
  resolve: (by, note) => ({
    message: { kind: 'resolve', by, note },
    change: said(by, 'resolve.asked', note || 'Says that it is over'),
  }),
  'mark-wrong': (by, note) => ({
    message: { kind: 'pause', by, note },
    change: said(by, 'automation.marked_wrong', note || 'Says that the automation was wrong'),
  }),
};

const said = (actor: string, kind: string, text: string): IncidentChange => ({
  timeline: { actor, kind, text, detail: null },
});

/** A person takes over, at any moment. */
export function actionRoutes(app: Api, deps: Deps): void {
  for (const [name, act] of Object.entries(ACTIONS)) {
    endpoint(
      app,
      deps,
      'incidents:act',
      createRoute({
        method: 'post',
        path: `/v1/incidents/{id}/actions/${name}`,
        tags: ['actions'],
        summary: `A person takes over: ${name}`,
        request: { params, body: { required: false, content: { 'application/json': { schema: Note } } } },
        responses: { 202: answers('Taken', Incident), 404: problems('Unknown'), 409: problems('Not now') },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const note = c.req.valid('json')?.note ?? '';
        const before = await view(deps, id);
        c.var.allow(before);
        if (before.status === 'resolved' && name === 'resolve') return c.json(before, 202);
        if (name === 'rollback' && (await deps.automation.read()).paused) {
          throw new Refusal(
            409,
            'automation-paused',
            'the kill switch is on, so nothing is rolled back from here; PUT /v1/automation {"paused": false} first',
          );
        }
        const { message, change } = act(c.var.principal.name, note);
        if (!(await deps.incidents.post(id, message, change))) throw resolved(id);
        if (name === 'abort') await withdraw(deps, before, c.var.principal.name);
        await wake(deps, id);
        return c.json(await view(deps, id), 202);
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
          409: problems('superseded: not the decision that waits'),
          422: problems('What is wrong with it'),
        },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { digest, note } = c.req.valid('json');
        c.var.allow(await view(deps, id));
        const taken = await deps.decisions.answer(id, digest, answer, c.var.principal.name, note);
        if (taken === 'superseded')
          throw new Refusal(
            409,
            'superseded',
            'no decision with this digest waits for an answer any more; read the incident again',
          );
        await wake(deps, id);
        return c.json(await view(deps, id), 200);
      },
    );
  }
}

/** Takes back every question that still waits. */
async function withdraw(deps: Deps, incident: z.infer<typeof Incident>, by: string): Promise<void> {
  for (const decision of incident.decisions) {
    if (decision.state === 'waiting')
      await deps.decisions.answer(incident.id, decision.digest, 'rejected', by, 'aborted');
  }
}
