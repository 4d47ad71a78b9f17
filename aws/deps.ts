import { LambdaClient } from '@aws-sdk/client-lambda';
import type { Deps } from '../domain/ports/deps.ts';
import { awsClient, DURABLE_LIMITS } from './clients/client.ts';
import { changeDeps } from './deps/changes.ts';
import { deliveryDeps } from './deps/delivery.ts';
import { freezeDeps } from './deps/freeze.ts';
import { incidentDeps } from './deps/incidents.ts';
import { messageDeps } from './deps/messages.ts';
import { monitoringDeps } from './deps/monitoring.ts';
import { pagingDeps } from './deps/paging.ts';
import { queueDeps } from './deps/queues.ts';
import { sharedDeps } from './deps/shared.ts';
import { type Environment, readEnvironment } from './secrets/env.ts';

let assembled: Deps | undefined;

/**
 * Returns the dependencies of the functions, built from the environment on first use and kept for the life of the
 * process.
 */
export const deps = (): Deps => (assembled ??= assemble(readEnvironment(process.env)));

export function assemble(env: Environment): Deps {
  const parts = sharedDeps(env);
  return {
    ...parts.system,
    ...queueDeps(env, parts),
    ...incidentDeps(env, parts),
    ...changeDeps(parts),
    ...deliveryDeps(parts),
    ...freezeDeps(parts),
    ...monitoringDeps(parts),
    ...pagingDeps(parts),
    ...messageDeps(parts),
  };
}

/** Creates the client that records the steps of workflows. */
export const durableClient = (): LambdaClient => awsClient(LambdaClient, DURABLE_LIMITS);
