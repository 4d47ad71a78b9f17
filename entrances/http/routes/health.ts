import * as z from 'zod';
import { type Api, answers, createRoute, endpoint } from '../endpoint.ts';
import { type HealthDeps, readiness } from './readiness.ts';

const Ready = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()).optional(),
  config: z.object({ version: z.string().nullable(), problems: z.array(z.string()) }).optional(),
});

/** Registers the health checks. Only callers with a token get the reason why Firebreak is not ready. */
export function healthRoutes(app: Api, deps: HealthDeps): void {
  endpoint(
    app,
    deps,
    'public',
    createRoute({
      method: 'get',
      path: '/healthz',
      tags: ['health'],
      summary: 'Check that the process is alive',
      responses: { 200: answers('Alive', z.object({ ok: z.literal(true) })) },
    }),
    (c) => c.json({ ok: true as const }, 200),
  );

  endpoint(
    app,
    deps,
    'public',
    createRoute({
      method: 'get',
      path: '/readyz',
      tags: ['health'],
      summary: 'Check that Firebreak can accept alerts',
      responses: { 200: answers('Ready', Ready), 503: answers('Not ready', Ready) },
    }),
    async (c) => {
      const { ready, checks } = await readiness(deps);
      const status = ready ? 200 : 503;
      // A caller cannot be identified without secrets.
      const principal =
        checks.secrets === 'ok'
          ? await c.var.principalOf(c.req.header('authorization')).catch(() => undefined)
          : undefined;
      if (principal === undefined) return c.json({ ready }, status);
      return c.json({ ready, checks, config: await configState(deps) }, status);
    },
  );
}

async function configState(deps: HealthDeps): Promise<{ version: string | null; problems: string[] }> {
  try {
    return { version: (await deps.config.current()).version, problems: await deps.config.problems() };
  } catch (error) {
    return { version: null, problems: [String(error)] };
  }
}
