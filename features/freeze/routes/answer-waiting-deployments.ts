import type { MiddlewareHandler } from 'hono';
import type { FeatureDeps } from '../../manifest.ts';
import { inTime } from '../../../core/stores/in-time.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import { withPorts } from '../ports.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { answerWaitingDeployments, type ProtectionDeps } from '../vendors/github/answer.ts';

/** How long a request waits until GitHub has the answers. The sweeper sends the remaining ones. */
const PATIENCE_MS = 5_000;

/**
 * Middleware for routes that change freezes. Answers deployments at GitHub that wait for the end of a freeze (custom
 * deployment protection rules) at once, instead of at the sweeper's next run.
 */
const answeringWaitingDeployments =
  (deps: ProtectionDeps): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    if (c.res.status >= 300) return;
    const answering = answerWaitingDeployments(deps).catch((error: unknown) =>
      c.var.log.warn('waiting deployments could not be answered at once; the sweeper tries again', {
        error: String(error),
      }),
    );
    await inTime(PATIENCE_MS, answering);
  };

/** Adds it to the requests that can decide deployments that wait at GitHub. */
export function addMiddleware(app: Api, core: FeatureDeps): void {
  const paths = ['/v1/freezes/*', '/v1/versions/pinned/*'];
  app.on(['POST', 'DELETE'], paths, answeringWaitingDeployments(withPorts(core)));
}
