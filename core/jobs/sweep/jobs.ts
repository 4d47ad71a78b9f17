import { startOrphanedDrills } from '../../actions/automation/drills.ts';
import { tendWatches } from '../../actions/judge/watches.ts';
import { endFailures, type FailureDeps } from '../../actions/changes/end-failures.ts';
import { reportOverdue } from '../../actions/changes/overdue-deploys.ts';
import { recordRollouts } from '../../actions/changes/record-rollouts.ts';
import { applyUnmapped } from '../../actions/changes/report-change.ts';
import { tendFlags } from '../../actions/incidents/tend-flags.ts';
import { acknowledgeGroups } from '../../actions/paging/acknowledge-group.ts';
import { acknowledgeAllPages } from '../../actions/paging/acknowledge-pages.ts';
import { followExternalPages } from '../../actions/paging/follow-pages.ts';
import { identifyPagerUsers } from '../../actions/paging/identify-users.ts';
import { noteDecisionsAtPager } from '../../actions/paging/note-pages.ts';
import type { SweepJob } from './job.ts';
import { FEATURES } from '../../../features/index.ts';
import type { Feature, FeatureJobDeps } from '../../../features/manifest.ts';
import type { AdmissionDeps } from '../../actions/alerts/admit-signals.ts';
import type { AuditLog } from '../../domain/ports/audit.ts';
import type { ConfigSource } from '../../domain/ports/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { compareIncidents } from './compare-incidents.ts';
import { tendLooks } from '../../actions/look/tend-looks.ts';
import { type HeldDeps, settleHeld } from './held.ts';
import { storeDueEvidence } from './evidence.ts';
import { keepHealthSamples } from './health-samples.ts';
import { readmitUnmuted, showMutes } from './mutes.ts';
import { settleOrphans } from './workflows.ts';
import { wakeStale } from './wake-stale.ts';
import { reviveFailed, wakeOverdue } from './workflows.ts';

/** The jobs of the core, in the order in which they start: what delays people comes first. */
const CORE_JOBS = [
  // What has evidently failed or was lost.
  { name: 'wake incidents', run: wakeOverdue },
  { name: 'replace failed workflows', run: reviveFailed },
  { name: 'settle child incidents', run: settleOrphans },
  { name: 'wake projectors', run: wakeStale },

  { name: 'follow external pages', run: followExternalPages },
  { name: 'acknowledge pages at PagerDuty', run: acknowledgeAllPages },
  { name: 'propagate acknowledgements', run: acknowledgeGroups },
  { name: 'add notes at PagerDuty', run: noteDecisionsAtPager },
  { name: 'identify PagerDuty users', run: identifyPagerUsers },

  { name: 'admit muted alerts', run: (deps: AdmissionDeps) => readmitUnmuted(deps, 'sweep') },
  { name: 'decide about held alerts', run: (deps: HeldDeps) => settleHeld(deps, 'sweep') },
  { name: 'show silences', run: showMutes },

  { name: 'compare with earlier incidents', run: compareIncidents },
  { name: 'store evidence', run: storeDueEvidence },
  { name: 'keep samples of health', run: keepHealthSamples },
  { name: 'tend requests for flags', run: tendFlags },
  { name: 'end lost looks', run: tendLooks },

  { name: 'report overdue deployments', run: reportOverdue },
  // These were reported before the catalogue named their services.
  { name: 'apply rollouts that are mapped now', run: applyUnmapped },
  { name: 'record rollouts of Deployments', run: recordRollouts },
  { name: 'end failed deployments', run: (deps: FailureDeps) => endFailures(deps) },

  { name: 'start drills', run: startOrphanedDrills },
  { name: 'tend watches', run: tendWatches },
] as const satisfies readonly SweepJob<never>[];

/** The jobs that follow those of features. */
const AUDIT_JOBS = [
  { name: 'seal the audit log', run: (deps: AuditDeps) => deps.audit.seal() },
  {
    name: 'audit the configuration',
    run: async (deps: AuditDeps) => deps.audit.configuration((await deps.config.current()).version),
  },
] as const satisfies readonly SweepJob<never>[];

type AuditDeps = { audit: AuditLog; config: ConfigSource };

type CoreJob = (typeof CORE_JOBS | typeof AUDIT_JOBS)[number];

/** What the jobs need, each of which names its ports. */
export type SweepDeps = FeatureJobDeps &
  (CoreJob['run'] extends (deps: infer Deps, open: readonly IncidentRecord[]) => unknown ? Deps : never);

/** Returns the jobs of a feature. Each reads the configuration by itself, so that only it fails if that can't be read. */
const ofFeature = ({ isConfigured, jobs = [] }: Feature): SweepJob<FeatureJobDeps>[] =>
  jobs.map(({ name, run, untilEnded = false }) => ({
    name,
    run: async (deps, open) => (untilEnded || isConfigured(await deps.config.current()) ? run(deps, open) : undefined),
  }));

/** All jobs of the sweep, in the order in which they start. */
export const JOBS: readonly SweepJob<SweepDeps>[] = [...CORE_JOBS, ...FEATURES.flatMap(ofFeature), ...AUDIT_JOBS];
