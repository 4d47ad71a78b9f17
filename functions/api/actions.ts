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
        const wish = await wishOf(deps, name, before, by);
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
      responses: {
        202: answers('Taken', Incident),
        404: problems('Unknown'),
        409: problems('nothing-to-mark: automation has done nothing for it'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { name: by } = c.var.principal;
      c.var.allow(await view(deps, id));
      const text = c.req.valid('json')?.note || 'Says that the automation was wrong';
      const { acts, demoted } = await deps.automation.wrong(id, null, text);
      if (acts === 0)
        throw new Refusal(
          409,
          'nothing-to-mark',
          `automation has changed nothing for incident ${id} that could have been wrong; what a person asked for is theirs`,
        );
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
          409: problems('superseded: not the decision that waits; paused: not while automation is'),
          422: problems('What is wrong with it'),
        },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { digest, note } = c.req.valid('json');
        const before = await view(deps, id);
        c.var.allow(before);
        if (answer === 'approved') await refusePaused(deps, before, digest);
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

/** Nothing would come of a yes, and nobody would be asked again: the question waits until it can be carried out. */
async function refusePaused(deps: Deps, { id, decisions }: View, digest: string): Promise<void> {
  if (!decisions.some((decision) => decision.state === 'waiting' && decision.digest === digest)) return;
  if ((await deps.automation.read()).paused)
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so nothing would come of it; the question still waits: PUT /v1/automation {"paused": false} first',
    );
  if ((await deps.incidents.read(id))?.automation_paused === true)
    throw new Refusal(
      409,
      'paused',
      `the automation of this incident is paused, so nothing would come of it; the question still waits: POST /v1/incidents/${id}/actions/resume first`,
    );
}

/**
 * A double click does nothing twice. `fulfilled`: it is so already. `once`: the key under which the wish is taken once.
 * @throws Refusal 409 when it cannot be now
 */
async function wishOf(
  deps: Deps,
  action: string,
  incident: View,
  by: string,
): Promise<{ fulfilled: boolean; once?: string }> {
  if (action === 'publish') return { fulfilled: false, once: 'publish' };
  if (action === 'resolve') return { fulfilled: incident.status === 'resolved' };
  if (incident.status === 'resolved') return { fulfilled: false };
  const switched = SWITCHES[action];
  if (switched !== undefined) return switchedBefore(deps, incident, action, switched);
  if (action !== 'rollback') return { fulfilled: false };
  if ((await deps.automation.read()).paused) {
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so nothing is rolled back from here; PUT /v1/automation {"paused": false} first',
    );
  }
  if (await isRollingBack(deps, incident, by)) return { fulfilled: true };
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

/** What turns the automation of an incident off and on, by what it leaves on the timeline. */
const SWITCHES: Readonly<Record<string, string>> = {
  pause: 'automation.paused',
  resume: 'automation.resumed',
  abort: 'automation.aborted',
};

/** How far back it is looked for who has switched last; behind that it is said again. */
const SWITCHES_READ = 200;

/** Whether it was the last of these that anybody has said, and nothing has been asked since. */
async function switchedBefore(
  deps: Deps,
  { id, decisions }: View,
  action: string,
  kind: string,
): Promise<{ fulfilled: boolean; once: string }> {
  const { items } = await deps.incidents.timeline(id, { limit: SWITCHES_READ });
  const last = items.find((entry) => Object.values(SWITCHES).includes(entry.kind));
  const open = action === 'abort' && decisions.some(({ state }) => state === 'waiting');
  const once = `${action}-after-${last === undefined ? 'none' : `${last.kind}-${last.at}`}`;
  return { fulfilled: last?.kind === kind && !open, once: open ? `${once}-with-${decisions.length}` : once };
}

/**
 * Whether what this person has asked for is under way.
 * @throws Refusal 409 when another one is: what comes after it begins with another version
 */
async function isRollingBack(deps: Deps, { id, effects, decisions }: View, by: string): Promise<boolean> {
  const running = effects.findLast(
    ({ kind, state }) => kind === 'roll-back' && (state === 'intended' || state === 'accepted'),
  );
  if (running === undefined) return false;
  const number = Number(running.key.split('.').at(-1));
  const asked = (await deps.decisions.inputs(id, number))?.asked;
  if (asked?.by === 'person' && asked.who === by) return true;
  const { from_version: from, to_version: to } = decisions.find(({ id: own }) => own === `${id}-${number}`) ?? {};
  const whose = asked?.by === 'person' ? `, asked for by ${asked.who},` : '';
  throw new Refusal(
    409,
    'rollback-in-progress',
    `the rollback of ${from ?? 'this service'} to ${to ?? 'an earlier version'}${whose} is in progress since ${running.at}; wait for its end, and ask again to go back further`,
  );
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
