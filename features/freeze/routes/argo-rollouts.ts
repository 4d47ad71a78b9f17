import * as z from 'zod';
import type { Context } from 'hono';
import type { Deps } from '../ports.ts';
import { type CheckRequest, Verdict } from '../schemas/freeze-check.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { check } from '../actions/check.ts';
import { checkRequestOf, checkQuery } from './freeze-query.ts';

const PATH = '/integrations/argo-rollouts/analysis';

/**
 * The data for the condition of a metric. `reasons` are texts, because Argo Rollouts shows them with the measurement.
 */
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
  200: answers('The verdict, allowed or not', Measurement),
  422: problems('Validation failed'),
};

/**
 * Registers the freeze check as a web metric of Argo Rollouts. Every verdict has the status 200: Argo Rollouts treats
 * other statuses as measurement errors, not as a refusal.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/analysis/web/
 */
export function argoRolloutsRoutes(app: Api, deps: Deps): void {
  const measure = async (c: Context<Env>, query: z.infer<typeof checkQuery>, isRollout: boolean) => {
    const { allow, may, principal } = c.var;
    allow({ service: query.service, environment: query.environment });
    const request = await checkRequestOf(deps, query);
    const consume = isRollout && isRecognizable(request);
    const freezeQuestion = { request, by: principal.name, allow, may, consume, identityToken: null };
    const { allowed, verdict, reasons, ...answer } = await check(deps, freezeQuestion);
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
      summary: 'Run the freeze check as a web metric of Argo Rollouts; uses up no override',
      request: { query: checkQuery },
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
      summary: 'Run the freeze check for the rollout itself; a required override is used up, once per version',
      request: { query: checkQuery },
      responses,
    }),
    async (c) => c.json(await measure(c, c.req.valid('query'), true), 200),
  );
}

/**
 * Returns whether repeated checks of the deployment can be recognized. Otherwise, each check would use up an override.
 */
const isRecognizable = ({ version, commit, deployment_id }: CheckRequest): boolean =>
  version !== null || commit !== null || deployment_id !== null;
