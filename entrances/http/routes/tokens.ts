import * as z from 'zod';
import { revokeToken } from '../../../core/actions/people/revoke-token.ts';
import { authorize, EVERYWHERE } from '../../../core/domain/access/access.ts';
import {
  actorNameOf,
  NameTaken,
  whyReservedForPerson,
  whyReserved,
} from '../../../core/domain/access/actor-identity.ts';
import { inConfiguredNames, limitWarnings, sourceWarnings } from '../../../core/domain/catalogue/known-names.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { ApiDeps } from '../deps.ts';
import type { Tokens } from '../../../core/domain/ports/access.ts';
import {
  type NewToken,
  NewToken as NewTokenSchema,
  type Principal,
  TokenRecord,
} from '../../../schemas/access/access.ts';
import { sources } from '../../../schemas/alerts/sources/index.ts';
import { type Api, answers, body, createRoute, endpoint, listQuery, pageOf, problems } from '../endpoint.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

type TokensDeps = Pick<ApiDeps, 'clock' | 'config' | 'tokens'>;

const Token = TokenRecord.extend({
  acts_as: z.string().meta({
    description:
      "The token's name in the audit log and in timelines. Includes the creator, unless the admin token created it",
  }),
}).meta({ id: 'Token' });

/** Returns a token in the format of the API. */
const shown = (record: TokenRecord): z.infer<typeof Token> => ({ ...record, acts_as: actorNameOf(record) });

/** Registers the routes of tokens for senders, CI systems, and people. */
export function tokenRoutes(app: Api, deps: TokensDeps): void {
  endpoint(
    app,
    deps,
    'tokens:write',
    createRoute({
      method: 'post',
      path: '/v1/tokens',
      tags: ['tokens'],
      summary: 'Create a token; only this response contains its secret',
      request: body(NewTokenSchema),
      responses: {
        201: answers('Created', Token.extend({ token: z.string(), warnings: z.array(z.string()) })),
        409: problems('Another token has this name'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const config = await deps.config.current();
      const input = inConfiguredNames(config, c.req.valid('json'));
      refuseBeyondCreator(c.var.principal, input, deps);
      if (input.expires_at !== null && input.expires_at <= deps.clock.now())
        throw new Refusal(
          422,
          'invalid',
          `json: expires_at: ${input.expires_at} is in the past; send a later time, or none for a token that does not expire`,
        );
      const reserved = whyReserved(input.name, input.actions);
      if (reserved !== undefined) throw new Refusal(422, 'invalid', `json: name: ${reserved}`);
      const ofPerson = whyReservedForPerson(input.name, config.people, c.var.principal.name);
      if (ofPerson?.forbidden === true) throw new Refusal(403, 'forbidden', ofPerson.text);
      if (ofPerson !== undefined) throw new Refusal(422, 'invalid', `json: name: ${ofPerson.text}`);
      const { requestKey: key } = c.var;
      const request = key === undefined ? undefined : { key, credential: c.req.header('authorization') ?? '' };
      const { record, secret } = await createToken(deps, input, c.var.principal.name, request);
      const warnings = [...sourceWarnings(record.sources, [...sources.keys()]), ...limitWarnings(config, record)];
      return c.json({ ...shown(record), token: secret, warnings }, 201);
    },
  );

  endpoint(
    app,
    deps,
    'tokens:read',
    createRoute({
      method: 'get',
      path: '/v1/tokens',
      tags: ['tokens'],
      summary: 'List tokens, newest first, without their secrets',
      request: { query: z.object(listQuery) },
      responses: { 200: answers('A page of results', pageOf(Token)) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE);
      const { limit, cursor } = c.req.valid('query');
      const { items, next_cursor } = await deps.tokens.list({ limit, ...(cursor && { cursor }) });
      return c.json({ items: items.map(shown), next_cursor }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'tokens:write',
    createRoute({
      method: 'delete',
      path: '/v1/tokens/{id}',
      tags: ['tokens'],
      summary: 'Revoke a token; it stays listed as revoked',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: { 204: { description: 'Revoked' }, 404: problems('Not found') },
    }),
    async (c) => {
      await revokeToken(deps, c.var.caller, c.req.valid('param').id);
      return c.body(null, 204);
    },
  );
}

/** @throws Refusal 409 if the name is taken */
async function createToken(
  { tokens }: TokensDeps,
  ...given: Parameters<Tokens['create']>
): ReturnType<Tokens['create']> {
  try {
    return await tokens.create(...given);
  } catch (error) {
    if (error instanceof NameTaken) throw new Refusal(409, 'name-taken', error.message);
    throw error;
  }
}

/** @throws Refusal 403 if the new token would have more permissions than its creator */
function refuseBeyondCreator(principal: Principal, token: NewToken, deps: Pick<Deps, 'clock'>): void {
  const now = deps.clock.now();
  for (const action of token.actions) {
    const may = action === '*' ? principal.actions.includes('*') : authorize(principal, action, {}, now).allowed;
    if (!may)
      throw new Refusal(
        403,
        'forbidden',
        `${principal.name} does not have the permission ${action}, so it cannot grant it`,
      );
  }
  if (principal.expires_at !== null && (token.expires_at === null || token.expires_at > principal.expires_at)) {
    throw new Refusal(
      403,
      'forbidden',
      `${principal.name} expires at ${principal.expires_at}; set expires_at to this time or earlier`,
    );
  }
  for (const list of ['sources', 'services', 'environments'] as const) {
    const allowed = principal[list];
    if (allowed !== null && !(token[list]?.every((name) => allowed.includes(name)) ?? false)) {
      throw new Refusal(
        403,
        'forbidden',
        `${principal.name} is limited to the ${list} ${allowed.join(', ')}; list only these in ${list}`,
      );
    }
  }
}
