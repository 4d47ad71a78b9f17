import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Deps } from '../../domain/ports.ts';
import { type CheckRequest, Verdict } from '../../schemas/freeze-check.ts';
import type { Env } from '../api/context.ts';
import { answers, type Api, endpoint, problems } from '../api/endpoint.ts';
import { check } from '../freeze/check.ts';
import { askedOf, askedQuery } from './asked.ts';

const PATH = '/integrations/argo-rollouts/analysis';

/** What the condition of a metric is made of; `reasons` are texts, as they are shown with the measurement. */
const Measurement = z
  .object({
    data: z.object({
      ok: z.boolean(),
      allowed: z.boolean(),
      verdict: Verdict.shape.verdict,
      reasons: z.array(z.string()),
      clears_when: z.string().nullable(),
      next_transition_at: z.string().nullable(),
      decision_id: z.string(),
    }),
  })
  .meta({ id: 'ArgoRolloutsMeasurement' });

const responses = {
  200: answers('Whether it may go on; yes or no stands in the body', Measurement),
  422: problems('Validation failed'),
};

/**
 * The check as a web metric of Argo Rollouts. Always 200 where there is an answer: anything else is an error of the
 * measurement to Argo Rollouts, and no refusal.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/analysis/web/
 */
export function argoRolloutsRoutes(app: Api, deps: Deps): void {
  const measure = async (c: Context<Env>, query: z.infer<typeof askedQuery>, isRollout: boolean) => {
    const { allow, principal } = c.var;
    allow({ service: query.service, environment: query.environment });
    const request = await askedOf(deps, query);
    const consume = isRollout && isNamed(request);
    const asked = { request, by: principal.name, allow, consume, identityToken: null };
    const { allowed, verdict, reasons, ...answer } = await check(deps, asked);
    const { clears_when, next_transition_at, decision_id } = answer;
    return {
      data: {
        ok: allowed,
        allowed,
        verdict,
        reasons: reasons.flatMap(({ code, text }) => (code === 'clear' ? [] : text)),
        clears_when,
        next_transition_at,
        decision_id,
      },
    };
  };
  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'get',
      path: PATH,
      tags: ['integrations'],
      summary: 'The check as a web metric of Argo Rollouts; nothing is used up by asking',
      request: { query: askedQuery },
      responses,
    }),
    async (c) => c.json(await measure(c, c.req.valid('query'), false), 200),
  );
  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'post',
      path: PATH,
      tags: ['integrations'],
      summary: 'The same for the rollout itself: what it needs of an override is used, once for each version',
      request: { query: askedQuery },
      responses,
    }),
    async (c) => c.json(await measure(c, c.req.valid('query'), true), 200),
  );
}

/** One that has no name would use an override up by asking again. */
const isNamed = ({ version, commit, deployment_id }: CheckRequest): boolean =>
  version !== null || commit !== null || deployment_id !== null;
