import type { MiddlewareHandler } from 'hono';
import type { Env } from '../../api/context.ts';
import { answerWaitingGates, type GateDeps } from './answer.ts';

/** Whoever lifts a freeze waits for no more than this; the sweeper does the rest. */
const PATIENCE_MS = 5_000;

/** Of routes by which a person changes what is frozen: whatever waits is answered at once, not with the next minute. */
export const answeringGates =
  (deps: GateDeps): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    if (c.res.status >= 300) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    const answered = answerWaitingGates(deps).catch((error: unknown) =>
      c.var.log.warn('deployments that wait are answered later', { error: String(error) }),
    );
    await Promise.race([answered, late]).finally(() => clearTimeout(timer));
  };
