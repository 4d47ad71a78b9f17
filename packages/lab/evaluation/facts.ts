import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { Facts, Label } from './case.ts';
import { looksLike } from './clear.ts';
import { against, onsetMillis, ownDeploysBefore, tracesIn } from './observables.ts';

/** Returns the facts of a case from its evidence and its label. */
export function factsOf(evidence: Evidence, label: Label): Facts {
  const deploys = ownDeploysBefore(evidence);
  const newest = deploys[0];
  const looks = looksLike(evidence);
  const isSo = looks !== null && looks.change.id === label.cause && label.right === 'roll_back';
  return {
    newest_own_deploy_seconds:
      newest === undefined ? null : Math.round((onsetMillis(evidence) - millisOf(newest.started_at)) / 1000),
    traces: tracesIn(evidence),
    looks: looks?.by ?? null,
    clear: isSo && looks.by !== 'time',
    deceives: looks !== null && !isSo,
    undecidable: deploys.some((change) => change.id !== label.cause && against(evidence, change).length === 0),
  };
}
