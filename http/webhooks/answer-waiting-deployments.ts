import type { MiddlewareHandler } from 'hono';
import type { Env } from '../context.ts';
import { answerWaitingDeployments, type ProtectionDeps } from '../../actions/freeze/protection/answer.ts';

/** How long a request waits until GitHub has the answers. The sweeper sends the remaining ones. */
const PATIENCE_MS = 5_000;

/**
 * Middleware for routes that change freezes. Answers deployments at GitHub that wait for the end of a freeze (custom
 * deployment protection rules) at once, instead of at the sweeper's next run.
 */
export const answeringWaitingDeployments =
  (deps: ProtectionDeps): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    if (c.res.status >= 300) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    const answering = answerWaitingDeployments(deps).catch((error: unknown) =>
      c.var.log.warn('waiting deployments could not be answered at once; the sweeper tries again', {
        error: String(error),
      }),
    );
    await Promise.race([answering, timeout]).finally(() => clearTimeout(timer));
  };
