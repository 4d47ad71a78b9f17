import { isLaterProblem, problemStart } from '../../../core/domain/incidents/new-onset.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';

/** Returns an incident of a group without the problems that were over before the group began: the group does not tell of them. */
export function withinGroup(
  member: IncidentRecord,
  { opened_at: began }: Pick<IncidentRecord, 'opened_at'>,
): IncidentRecord {
  const { earlier_problems: all = [] } = member;
  const earlier = all.filter(({ recovered_at: end }) => end === undefined || end > began);
  if (earlier.length === all.length) return member;
  if (earlier.length > 0) return { ...member, earlier_problems: earlier };
  const { earlier_problems: _, verifying, new_onset: onset, ...rest } = member;
  const isOfEarlier = isLaterProblem(member);
  return {
    ...rest,
    began_at: problemStart(member),
    ...(verifying !== undefined && !isOfEarlier && { verifying }),
    ...(onset !== undefined && !isOfEarlier && { new_onset: onset }),
  };
}
