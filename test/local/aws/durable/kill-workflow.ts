import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SendDurableExecutionCallbackSuccessCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import {
  DurableExecutionApiClient,
  StepSemantics,
  withDurableExecution,
  type DurableContext,
} from '@aws/durable-execution-sdk-js';
import type { LocalFunction } from '../../../../local/aws/lambda/lambda.ts';

/** Called at every boundary of the workflow. A test kills the process at one of them. */
export type Boundary = (where: string) => void;

/** Returns the effects of the workflow, one line each, from a file that outlives the process. */
export const effectsOf = (dir: string): string[] =>
  readFileSync(join(dir, 'effects'), 'utf8').split('\n').filter(Boolean);

/**
 * Creates a workflow with all features of durable functions, and the functions that it invokes. Every effect is written
 * to `dir`. Every checkpoint, and every start and end of an invocation, is a boundary.
 */
export function killWorkflow(lambda: LambdaClient, dir: string, boundary: Boundary): Record<string, LocalFunction> {
  const effect = (name: string): string => {
    appendFileSync(join(dir, 'effects'), `${name}\n`);
    return name;
  };
  watchCheckpoints(lambda, boundary);
  const durable = (workflow: (event: unknown, context: DurableContext) => Promise<unknown>): LocalFunction => {
    const handler = withDurableExecution(workflow, { durableExecutionClient: new DurableExecutionApiClient(lambda) });
    return {
      timeoutSeconds: 30,
      // One year, which is five minutes at this time scale, enough for a slow machine.
      durable: { executionTimeoutSeconds: 31_536_000, retentionDays: 1 },
      handler: async (event, context) => {
        boundary('invocation begins');
        const output = await (handler as LocalFunction['handler'])(event, context);
        boundary('invocation ends');
        return output;
      },
    };
  };
  return {
    incident: durable((_, context) => incident(context, effect, lambda)),
    verify: durable(async (_, context) => {
      await context.wait('settle', { minutes: 1 });
      return context.step('verified', async () => effect('verified'));
    }),
    note: { timeoutSeconds: 5, handler: async () => effect('noted') },
  };
}

async function incident(
  context: DurableContext,
  effect: (name: string) => string,
  lambda: LambdaClient,
): Promise<unknown> {
  const first = await context.step('paged', async () => effect('paged'));
  const once = await context
    .step('once', async () => effect('once'), {
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: () => ({ shouldRetry: false }),
    })
    .catch((error: unknown) => (error as Error).name);
  await context.wait('settle', { minutes: 5 });
  const both = await context.parallel('both', [
    (branch) => branch.step('left', async () => effect('left')),
    async (branch) => {
      await branch.wait('pause', { seconds: 30 });
      return branch.step('right', async () => effect('right'));
    },
  ]);
  const [answer, callbackId] = await context.createCallback('approval');
  await context.step('asked', async () => {
    effect('asked');
    // Completed at once, so the result arrives while the handler runs or after it has suspended.
    await lambda
      .send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callbackId, Result: Buffer.from('yes') }))
      .catch((error: unknown) => {
        if ((error as Error).name !== 'CallbackTimeoutException') throw error; // completed before the crash
      });
  });
  const approved = await answer;
  const noted = await context.invoke('note', 'note', {});
  const verified = await context.invoke('verify', 'verify:$LATEST', {});
  return { first, once: once === 'once' || once === 'StepError', both: both.getResults(), approved, noted, verified };
}

export const RESULT = {
  first: 'paged',
  once: true,
  both: ['left', 'right'],
  approved: 'yes',
  noted: 'noted',
  verified: 'verified',
};

/**
 * Adds boundaries around checkpoints. Before the request, nothing is recorded; after the reply, everything is, but the
 * handler doesn't know it yet.
 */
function watchCheckpoints(lambda: LambdaClient, boundary: Boundary): void {
  lambda.middlewareStack.add(
    (next, context) => async (args) => {
      if (context['commandName'] !== 'CheckpointDurableExecutionCommand') return next(args);
      boundary('before a checkpoint');
      const reply = await next(args);
      boundary('after a checkpoint');
      return reply;
    },
    { step: 'initialize' },
  );
}
