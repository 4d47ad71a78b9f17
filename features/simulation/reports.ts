import type { Page } from '../../core/domain/ports/common.ts';
import { reportKind } from '../../core/domain/ports/reports.ts';
import type { RecordedObjective } from './objective.ts';
import type { RecordedIncident } from './recording.ts';

/** A page of incidents with all recorded inputs. `seconds`: how far to look back. Only for readers who may see all incidents. */
export const RECORDINGS = reportKind<{ seconds: number; limit: number; cursor?: string }, Page<RecordedIncident>>(
  'simulation.recordings',
  'never',
);

/** The corrections and freezes of an objective, the same for all who may see it: it searches all freezes. */
export const RECORDED_OBJECTIVE = reportKind<{ id: string; seconds: number }, RecordedObjective>(
  'simulation.objective',
  'never',
);
