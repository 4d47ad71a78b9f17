import { isFlap } from '../../../core/domain/incidents/figures.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { PostmortemsFile } from '../schemas/policy.ts';
import type { PostmortemNeed } from '../schemas/postmortem.ts';

/** Returns whether an incident needs a post-mortem. A part of a group is described by the group's, and a flap has nothing to tell. */
export const needOf = ({ severities }: Pick<PostmortemsFile, 'severities'>, incident: IncidentRecord): PostmortemNeed =>
  incident.parent_id !== undefined || isFlap(incident) ? 'skipped' : severities[incident.severity];
