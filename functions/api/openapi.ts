import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { answers, type Api, endpoint } from './endpoint.ts';

const Description = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });

/** What the routes say of themselves. To be called after all of them: it describes those that are there. */
export function openApiRoute(app: Api, deps: Deps): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'basic', {
    type: 'http',
    scheme: 'basic',
    description: 'Any user name, the token as password',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'apiKey',
    in: 'query',
    name: 'key',
    description: 'A token that may do nothing but flagger:gate, for a sender that has no header to put it into',
  });

  // Anybody may ask for it, and it never changes while the process lives: made once.
  let description: z.infer<typeof Description> | undefined;
  endpoint(
    app,
    deps,
    'public',
    createRoute({
      method: 'get',
      path: '/openapi.json',
      tags: ['health'],
      summary: 'This description',
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
