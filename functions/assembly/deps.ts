import type { Product } from './product.ts';
import { changeDeps } from './deps/changes.ts';
import { incidentDeps } from './deps/incidents.ts';
import { messageDeps } from './deps/messages.ts';
import { monitoringDeps } from './deps/monitoring.ts';
import { pagingDeps } from './deps/paging.ts';
import { queueDeps } from './deps/queues.ts';
import { type Parts, sharedDeps } from './deps/shared.ts';
import { extensionsOf, featurePorts } from './features.ts';
import { ComputedReports } from '../../core/actions/reports/computed-reports.ts';
import { computeHere } from './reports.ts';

/** Builds all dependencies of the product. */
export function assemble(parts: Parts): Product {
  const shared = sharedDeps(parts);
  const { system, table, platform, settings, audit, changed, github, counted } = shared;
  const deps: Product = {
    ...shared.system,
    ...queueDeps(shared),
    ...incidentDeps(shared),
    ...changeDeps(shared),
    ...monitoringDeps(shared),
    ...pagingDeps(shared),
    ...messageDeps(shared),
    reports: new ComputedReports(shared.system, parts.compute ?? computeHere(() => deps)),
    features: featurePorts({
      system,
      table,
      audit,
      changed,
      executions: platform.executions,
      publicFiles: platform.publicFiles,
      github,
      stage: settings.stage,
      counted,
    }),
    extensions: extensionsOf(() => deps),
  };
  return deps;
}
