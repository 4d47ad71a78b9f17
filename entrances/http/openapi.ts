import * as z from 'zod';
import type { ApiDeps } from './deps.ts';
import { type Api, answers, createRoute, endpoint } from './endpoint.ts';
import { IDEMPOTENCY_KEY_MAX_CHARS, isCreating } from './middleware/idempotency.ts';

const Description = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });

/**
 * Registers the OpenAPI description. Must be called after all other routes, because it describes the registered ones.
 */
export function openApiRoute(app: Api, deps: Pick<ApiDeps, 'clock'>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'basic', {
    type: 'http',
    scheme: 'basic',
    description: 'Any username, with the token as the password',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'apiKey',
    in: 'query',
    name: 'key',
    description: 'A token that allows only flagger:gate, for senders that cannot set a header',
  });

  // Build the description only once: the route is public, and the routes don't change while the process runs.
  let description: z.infer<typeof Description> | undefined;
  endpoint(
    app,
    deps,
    'public',
    createRoute({
      method: 'get',
      path: '/openapi.json',
      tags: ['health'],
      summary: 'Get this OpenAPI description',
      responses: { 200: answers('OpenAPI 3.1', Description) },
    }),
    (c) => {
      description ??= Description.parse(
        withIdempotencyKeys(
          app.getOpenAPI31Document({
            openapi: '3.1.0',
            info: { title: 'Firebreak', version: 'v1', description: 'Turns alerts into action' },
          }),
        ),
      );
      return c.json(description, 200);
    },
  );
}

type Document = ReturnType<Api['getOpenAPI31Document']>;

/** Adds the header to the requests that accept it, because a middleware reads it, which has no description of its own. */
function withIdempotencyKeys(document: Document): Document {
  for (const [path, { post }] of Object.entries(document.paths ?? {}))
    if (post !== undefined && isCreating(path))
      post.parameters = [
        ...(post.parameters ?? []),
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description: 'The same key with the same body creates nothing twice, and gets the first response, for a day',
          schema: { type: 'string', maxLength: IDEMPOTENCY_KEY_MAX_CHARS },
        },
      ];
  return document;
}
