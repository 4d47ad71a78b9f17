import type { MiddlewareHandler } from 'hono';
import type { Env } from '../context.ts';
import { answerWaitingDeployments, type ProtectionDeps } from '../../actions/freeze/protection/answer.ts';

/** How long a request waits for the answers to GitHub. The sweeper sends the remaining answers. */
const PATIENCE_MS = 5_000;

/** Middleware for routes that change freezes. Answers waiting deployments at once instead of with the next minute. */
export const answeringWaitingDeployments =
  (deps: ProtectionDeps): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    if (c.res.status >= 300) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    const answered = answerWaitingDeployments(deps).catch((error: unknown) =>
      c.var.log.warn('waiting deployments could not be answered at once; the sweeper tries again', {
        error: String(error),
      }),
    );
    await Promise.race([answered, late]).finally(() => clearTimeout(timer));
  };
