import type { RestoreKind } from '../../../core/domain/runbooks/kinds.ts';
import type { PlannedStep } from '../../../core/domain/runbooks/plan.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';

/** A run of a runbook: its incident, and its number within the incident. */
export type RunbookInput = { incidentId: IncidentId; number: number };

/** The part of a step that determines the order of steps. The rest is read when the step runs. */
export type Outline = Pick<
  PlannedStep,
  'id' | 'number' | 'stage' | 'onFailure' | 'mutating' | 'timeoutSeconds' | 'retry'
> & {
  uses: PlannedStep['uses'] | RestoreKind;
  otherwise: 'skip' | 'stop';
  /** ID of the step that this step undoes. */
  undoes: string | null;
  /** Key with which an earlier run may have performed the step. */
  earlierKey?: string;
};
