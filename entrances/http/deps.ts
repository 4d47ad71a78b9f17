import type { FeatureDeps } from '../../features/manifest.ts';
import type { Tokens } from '../../core/domain/ports/access.ts';
import type { Intake, Quarantine } from '../../core/domain/ports/alerts.ts';
import type { Backlog, Idempotency, QueueOperations } from '../../core/domain/ports/system.ts';
import type { CheckConnectionsDeps } from '../../vendors/connections/report.ts';

/** Everything that the API needs from outside. */
export type ApiDeps = FeatureDeps &
  CheckConnectionsDeps & {
    backlog: Backlog;
    idempotency: Idempotency;
    intake: Intake;
    quarantine: Quarantine;
    queues: QueueOperations;
    tokens: Tokens;
  };
