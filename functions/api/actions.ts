import { createRoute, z } from '@hono/zod-openapi';
import type { Deps, IncidentChange } from '../../domain/ports.ts';
import type { Message } from '../../schemas/inbox.ts';
import { IncidentId } from '../../schemas/names.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { noteDemotion } from '../../workflows/demotion.ts';
import { ringAnswered, wake } from '../../workflows/wake.ts';
import { answers, type Api, body, endpoint, problems } from './endpoint.ts';
import { Incident, resolved, view } from './incidents.ts';
import { Refusal } from './problem.ts';

type View = z.infer<typeof Incident>;

const params = z.object({ id: IncidentId });
const Note = z.strictObject({ note: z.string().max(2000).default('') });
const Answer = z.strictObject({ digest: z.string().min(1).max(128), note: z.string().max(2000).default('') });

/** What each action leaves in the inbox, and changes at once. */
const ACTIONS: Record<
  'rollback' | 'pause' | 'resume' | 'abort' | 'resolve' | 'publish',
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
  publish: (by, note) => ({
    message: { kind: 'publish', by, note },
    change: {
      publishedBy: by,
      ...said(by, 'statuspage.published', note || 'Allowed the words on the status page'),
    },
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
        const { name: by } = c.var.principal;
        const wish = await wishOf(deps, name, before);
        if (wish.fulfilled) return c.json(before, 202);
        if (name === 'rollback' && (await agrees(deps, before, by, note))) {
          await wake(deps, id);
          return c.json(await view(deps, id), 202);
        }
        const { message, change } = act(by, note);
        if (!(await deps.incidents.post(id, message, change, wish.once))) throw resolved(id);
        if (name === 'abort') await withdraw(deps, before, before.decisions, by, 'aborted');
        if (name === 'rollback') await withdraw(deps, before, supersededBy(before), by, 'Asked for a rollback instead');
        await wake(deps, id);
        return c.json(await view(deps, id), 202);
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
      responses: { 202: answers('Taken', Incident), 404: problems('Unknown') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { name: by } = c.var.principal;
      c.var.allow(await view(deps, id));
      const text = c.req.valid('json')?.note || 'Says that the automation was wrong';
      const { acts, demoted } = await deps.automation.wrong(id, null, text);
      const entry = { at: deps.clock.now(), actor: by, kind: 'automation.marked_wrong', text, detail: { acts } };
      await deps.incidents.note(id, `marked-wrong-${by}`, entry);
      for (const service of demoted) await noteDemotion(deps, id, service);
      return c.json(await view(deps, id), 202);
    },
  );

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
        if (taken === 'needs_another')
          throw new Refusal(409, 'second-person-needed', 'you are for it already; a second person has to be, too');
        if (taken === 'not_asked')
          throw new Refusal(403, 'not-asked', 'the runbook asks other people; its timeline entry says whom');
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

/**
 * A double click does nothing twice. `fulfilled`: it is so already. `once`: the key under which the wish is taken once.
 * @throws Refusal 409 when it cannot be now
 */
async function wishOf(deps: Deps, action: string, incident: View): Promise<{ fulfilled: boolean; once?: string }> {
  if (action === 'publish') return { fulfilled: false, once: 'publish' };
  if (action === 'resolve') return { fulfilled: incident.status === 'resolved' };
  if (action !== 'rollback' || incident.status === 'resolved') return { fulfilled: false };
  if ((await deps.automation.read()).paused) {
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so nothing is rolled back from here; PUT /v1/automation {"paused": false} first',
    );
  }
  if (incident.status === 'mitigating') return { fulfilled: true };
  if (justRolledBack(incident, deps.clock.now())) {
    throw new Refusal(
      409,
      'just-rolled-back',
      `a person has rolled this back within the last ${DOUBLE_CLICK_SECONDS} seconds; ask again later to go back further`,
    );
  }
  const judged = (await deps.incidents.read(incident.id))?.mitigations ?? 0;
  return { fulfilled: false, once: `rollback-after-${judged}` }; // until it is judged, it is the same wish
}

/** A rollback can be over in a second, and the next one would take out the good version that it brought back. */
const DOUBLE_CLICK_SECONDS = 60;

const justRolledBack = ({ decisions, effects }: View, now: Timestamp): boolean =>
  effects.some(
    ({ kind, state, at }) =>
      kind === 'roll-back' && state === 'succeeded' && secondsBetween(at, now) < DOUBLE_CLICK_SECONDS,
  ) && decisions.at(-1)?.because === 'asked_by_person';

/** Somebody has asked for it before, and a second person has to be for it: whoever asks now is. Asking twice changes nothing. */
async function agrees(deps: Deps, { id, decisions }: View, by: string, note: string): Promise<boolean> {
  const asked = decisions.find(({ state, because }) => state === 'waiting' && because === 'second_person');
  if (asked === undefined) return false;
  return (await deps.decisions.answer(id, asked.digest, 'approved', by, note)) !== 'superseded';
}

/** What a person's own rollback answers: whether to roll the same service back. What runbooks ask is another matter. */
const supersededBy = ({ service, environment, decisions }: View): View['decisions'] =>
  decisions.filter(
    ({ question, target }) =>
      question === undefined && (target === null || (target.service === service && target.environment === environment)),
  );

/** Takes back those of these questions that still wait. */
async function withdraw(
  deps: Deps,
  { id }: View,
  decisions: View['decisions'],
  by: string,
  note: string,
): Promise<void> {
  for (const { id: decision, digest } of decisions.filter(({ state }) => state === 'waiting')) {
    const answered = await deps.decisions.answer(id, digest, 'rejected', by, note);
    if (answered !== 'not_asked') continue;
    // Only others may say yes to it; that it is not to be done may be said by whoever takes over.
    await deps.decisions.expire(id, Number(decision.split('-').at(-1)));
    const incident = await deps.incidents.read(id);
    if (incident !== undefined) await ringAnswered(deps, incident);
  }
}
