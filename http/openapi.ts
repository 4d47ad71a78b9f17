import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../domain/ports/deps.ts';
import { answers, type Api, endpoint } from './endpoint.ts';
import { describeStatusPages } from './status/description.ts';

const Description = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });

/**
 * Registers the OpenAPI description. Must be called after all other routes, because it describes the registered ones.
 */
export function openApiRoute(app: Api, deps: Deps): void {
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

  describeStatusPages(app);
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
        app.getOpenAPI31Document({
          openapi: '3.1.0',
          info: { title: 'Firebreak', version: 'v1', description: 'Turns alerts into action' },
        }),
      );
      return c.json(description, 200);
    },
  );
}
