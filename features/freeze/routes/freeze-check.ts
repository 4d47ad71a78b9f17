import * as z from 'zod';
import type { Context } from 'hono';
import type { Deps } from '../ports.ts';
import { CheckAnswer, FreezeDecisionView } from '../schemas/freeze-check.ts';
import { check } from '../actions/check.ts';
import { Verified, verify, VerifyRequest } from '../actions/verify.ts';
import {
  checkQuery,
  identityParameter,
  identityTokenOf,
  postedCheck,
  postedRequest,
  questionOf,
} from './freeze-query.ts';
import { gateAnswer, gateResponse } from './deploy-gate.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { type Api, answers, body, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { FREEZE_DECISIONS_MAX_GB } from '../../../core/stores/retention.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

const Answer = CheckAnswer.meta({ id: 'FreezeCheck' });
const Decision = FreezeDecisionView.meta({ id: 'FreezeDecision' });
const Verification = Verified.meta({ id: 'FreezeTokenVerification' });

/** Registers the routes of the freeze check. */
export function freezeCheckRoutes(app: Api, deps: Deps): void {
  /** Checks without using up an override. */
  const checkOnly = (c: Context<Env>, query: z.infer<typeof checkQuery>): Promise<CheckAnswer> => {
    const [allow, may, principal] = [c.get('allow'), c.get('may'), c.get('principal')];
    allow({ service: query.service, environment: query.environment });
    const call = { ...questionOf(query), by: principal.name, allow, may, consume: false };
    return check(deps, { ...call, identityToken: identityTokenOf(c) });
  };

  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'get',
      path: '/v1/freeze-check',
      tags: ['freeze check'],
      summary: 'Check whether a deployment is allowed; always 200, and uses up no override',
      request: { query: checkQuery },
      ...identityParameter,
      responses: {
        200: answers('The verdict, its reasons, and when it can change', Answer),
        422: problems('Validation failed'),
      },
    }),
    async (c) => c.json(await checkOnly(c, c.req.valid('query')), 200),
  );

  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'get',
      path: '/v1/freeze-check/gate',
      tags: ['freeze check'],
      summary: 'Check for curl -f whether a deployment is allowed: 200 if it is, 423 if it is frozen',
      request: { query: checkQuery },
      ...identityParameter,
      responses: {
        200: gateAnswer('Allowed'),
        423: gateAnswer('Frozen'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      return gateResponse(c, questionOf(query).request, await checkOnly(c, query));
    },
  );

  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'post',
      path: '/v1/freeze-check',
      tags: ['freeze check'],
      summary: 'Check for a deployment that starts now; a required override is used up, once per deployment_id',
      request: postedRequest,
      ...identityParameter,
      responses: {
        200: answers('The verdict, its reasons, and when it can change', Answer),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { query, identityToken } = postedCheck(c.req.valid('query'), c.req.valid('json'), identityTokenOf(c));
      const { allow, may, principal } = c.var;
      allow({ service: query.service, environment: query.environment });
      const call = { ...questionOf(query), by: principal.name, allow, may, consume: true, identityToken };
      return c.json(await check(deps, call), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'post',
      path: '/v1/freeze-check/verify',
      tags: ['freeze check'],
      summary: 'Verify that a token is valid for a deployment, and that the deployment is still allowed',
      request: body(VerifyRequest),
      responses: {
        200: answers('The result, and the reason if the token is not valid', Verification),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const allow = (service: string, environment: string) => c.var.allow({ service, environment });
      return c.json(await verify(deps, input, c.var.principal.name, allow), 200);
    },
  );

  endpoint(
    app,
    deps,
    'freezes:read',
    createRoute({
      method: 'get',
      path: '/v1/freeze-decisions/{id}',
      tags: ['freeze check'],
      summary: 'Get a decision with all its inputs, and how often it was requested',
      request: { params: z.object({ id: z.string().min(1).max(128) }) },
      responses: {
        200: answers('The decision', Decision),
        404: problems('Not found'),
        410: problems('Its inputs were removed'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const decision = await deps.freezeDecisions.get(id);
      if (decision === undefined) throw await withoutInputs(deps, id);
      c.var.allow({ service: decision.request.service, environment: decision.request.environment });
      const { inputs, aggregated = false } = decision;
      return c.json({ ...decision, aggregated, inputs: z.unknown().parse(inputs) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'public',
    createRoute({
      method: 'get',
      path: '/.well-known/jwks.json',
      tags: ['freeze check'],
      summary: "Get the public keys for Firebreak's signatures (RFC 7517)",
      responses: { 200: answers('The keys', z.object({ keys: z.array(z.record(z.string(), z.unknown())) })) },
    }),
    async (c) => c.json(await deps.signer.jwks(), 200),
  );
}

/** Returns why a decision cannot be shown. */
async function withoutInputs({ freezeDecisions }: Deps, id: string): Promise<Refusal> {
  const removedAt = await freezeDecisions.removedAt(id);
  if (removedAt === undefined) return new Refusal(404, 'unknown-decision', `no decision has the ID ${id}`);
  const because = `because all recorded decisions exceeded ${FREEZE_DECISIONS_MAX_GB} GB`;
  const text = `the inputs of decision ${id} were removed on ${removedAt.slice(0, 10)}, ${because}`;
  return new Refusal(410, 'decision-removed', `${text}; its entry in the audit log stays`);
}
