import type { ConsoleDeps } from '../../entrances/console/pages/page.ts';
import type { ApiDeps } from '../../entrances/http/deps.ts';
import type { DigestDeps } from '../../core/jobs/digest/deps.ts';
import type { ProjectDeps } from '../../core/jobs/queues/project-deps.ts';
import type { RouteDeps } from '../../core/jobs/queues/route.ts';
import type { SweepDeps } from '../../core/jobs/sweep/jobs.ts';
import type { CommandDeps } from '../../entrances/slack/deps.ts';

/**
 * Everything that the product needs from outside. Built once for AWS and, with other addresses, for a single machine. Each
 * entrance takes its part.
 */
export type Product = ApiDeps &
  Omit<ConsoleDeps, 'signIn'> &
  CommandDeps &
  RouteDeps &
  SweepDeps &
  Omit<DigestDeps & ProjectDeps, 'emails'>;
