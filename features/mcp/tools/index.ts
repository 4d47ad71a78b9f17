import type { Tool } from '../tool.ts';
import { recentChanges, recordDeploy } from './changes.ts';
import { freezeCheck } from './freeze-check.ts';
import { explainIncident, listIncidents } from './incidents.ts';
import { proposeRollback } from './propose-rollback.ts';

/** All tools, in the order of their use. None changes production. */
export const TOOLS: readonly Tool[] = [
  freezeCheck,
  recordDeploy,
  recentChanges,
  listIncidents,
  explainIncident,
  proposeRollback,
];
