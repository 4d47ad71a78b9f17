import type { Deps } from '../domain/ports/deps.ts';
import { changeDeps } from './deps/changes.ts';
import { freezeDeps } from './deps/freeze.ts';
import { incidentDeps } from './deps/incidents.ts';
import { messageDeps } from './deps/messages.ts';
import { monitoringDeps } from './deps/monitoring.ts';
import { pagingDeps } from './deps/paging.ts';
import { queueDeps } from './deps/queues.ts';
import { type Parts, sharedDeps } from './deps/shared.ts';
import { extensionsOf, featurePorts } from './features.ts';

/** Builds all dependencies of the product. */
export function assemble(parts: Parts): Deps {
  const shared = sharedDeps(parts);
  const { system, table, platform, settings, github, counted } = shared;
  const deps: Deps = {
    ...shared.system,
    ...queueDeps(shared),
    ...incidentDeps(shared),
    ...changeDeps(shared),
    ...freezeDeps(shared),
    ...monitoringDeps(shared),
    ...pagingDeps(shared),
    ...messageDeps(shared),
    features: featurePorts({ system, table, executions: platform.executions, github, stage: settings.stage, counted }),
    extensions: extensionsOf(() => deps),
  };
  return deps;
}
