import * as z from 'zod';
import type { Context } from 'hono';
import type { Deps } from '../ports.ts';
import { CheckAnswer, type CheckRequest } from '../schemas/freeze-check.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { type Api, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { check } from '../actions/check.ts';
import { checkRequestOf, identityParameter, identityTokenOf, postedCheck, postedRequest } from './freeze-query.ts';

const Answer = CheckAnswer.meta({ id: 'FreezeCheck' });

/** Describes a gate's response for OpenAPI. */
export const gateAnswer = (description: string) => ({
  description,
  content: { 'application/json': { schema: Answer }, 'text/plain': { schema: z.string() } },
});

/** Returns a gate's response: lines of text for `Accept: text/plain`, otherwise JSON. */
export function gateResponse(c: Context<Env>, request: CheckRequest, answer: CheckAnswer) {
  const status = answer.allowed ? 200 : 423;
  return /\btext\/plain\b/i.test(c.req.header('accept') ?? '')
    ? c.text(inLines(request, answer), status)
    : c.json(answer, status);
}

/**
 * Registers the gate for pipelines that use `curl`. All parameters can be in the query string, so that no JSON is needed
 * in a shell, and `Accept: text/plain` returns lines for the job's log. The request stands for the deployment itself,
 * so a required override is used up.
 */
export function deployGateRoute(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'freezes:check',
    createRoute({
      method: 'post',
      path: '/v1/freeze-check/gate',
      tags: ['freeze check'],
      summary: 'Check for a deployment that starts now, for curl: 200 if it is allowed, 423 if it is frozen',
      request: postedRequest,
      ...identityParameter,
      responses: {
        200: gateAnswer('Allowed'),
        423: gateAnswer('Frozen'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { query, identityToken } = postedCheck(c.req.valid('query'), c.req.valid('json'), identityTokenOf(c));
      const { allow, may, principal } = c.var;
      allow({ service: query.service, environment: query.environment });
      const request = await checkRequestOf(deps, query);
      const answer = await check(deps, { request, by: principal.name, allow, may, consume: true, identityToken });
      return gateResponse(c, request, answer);
    },
  );
}

function inLines(
  { service, environment, version, change }: CheckRequest,
  { allowed, reasons, clears_when, decision_id }: CheckAnswer,
): string {
  const what = `${change} of ${service}${version === null ? '' : ` ${version}`} to ${environment}`;
  const lines = [
    `${allowed ? 'allowed' : 'FROZEN'}: ${what}`,
    ...reasons.flatMap(({ text, more = [] }) => [`- ${text}`, ...more.map((one) => `  - ${one}`)]),
    ...(clears_when === null ? [] : [`It clears ${clears_when}`]),
    `Decision ${decision_id}`,
  ];
  return `${lines.map((line) => line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')).join('\n')}\n`;
}
