import type { SpentBudget } from '../../../core/domain/ports/error-budgets.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { EvidencePack } from '../../../schemas/incidents/evidence-pack.ts';
import type { IncidentRecord, Suspect } from '../../../schemas/incidents/incident.ts';
import type { Curve, Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { SampledRequests } from './requests.ts';
import type { Problem } from '../../../core/domain/incidents/problems.ts';
import type { Story } from '../../../core/domain/messages/story.ts';

/** Result of a configured query. `problem`: why there is no value. */
export type MeasuredImpact = { title: string; unit: string | null; value: number | null; problem: string | null };

/** A problem of an incident, with what is known of its cause. */
export type ProblemRecord = Problem & {
  /** Suspects in order of confidence, with their changes. Null: the change can't be read. */
  causes: readonly { suspect: Suspect; change: Change | null }[];
  /** Dependencies that failed when it was judged last. */
  failing: readonly string[];
  /** What its newest judgement with samples was based on. */
  evidence: Evidence | null;
};

/** Everything that a draft is made from. The same record always gives the same draft. */
export type DraftInput = Pick<Story, 'incident' | 'timeline' | 'decisions' | 'effects' | 'signals'> & {
  /** Incidents of the group, oldest first. Empty: it is no group. */
  members: readonly IncidentRecord[];
  /** Its problems, oldest first. There is at least one. */
  problems: readonly ProblemRecord[];
  /** Changes of its service that others made since its first problem began, oldest first, as far as they are read. */
  changes: readonly Change[];
  /** Samples of the health query from half an hour before the problem until the end of the incident. */
  curve: Curve;
  /** Stored evidence of actions, with its address if that of Firebreak is known. */
  packs: readonly (Pick<EvidencePack, 'name' | 'at' | 'sha256'> & { url: string | null })[];
  budgets: readonly SpentBudget[];
  /** Null: no health query measures the share of failed requests, or there are no samples of it. */
  requests: SampledRequests | null;
  impact: readonly MeasuredImpact[];
  /** The service's team, which owns drafted action items. */
  team: string | null;
  /** Names of people by their ID. */
  people: ReadonlyMap<string, string>;
  names: 'roles' | 'people';
  /** Days until drafted action items are due. */
  dueDays: number;
};
