import type { DoraDeploy, DoraFigure, DoraIncident } from '../dora.ts';
import type { DoraReport } from './figures.ts';

/** The records behind a figure, newest first: either deploys or incidents. */
export type FigureRecords =
  | { kind: 'deploys'; items: readonly DoraDeploy[] }
  | { kind: 'incidents'; items: readonly DoraIncident[] };

/**
 * Returns the records of a report that a figure counts. A deploy is pending while incidents can still be attributed to
 * it. A rollback is no deployment, but it is rework.
 */
export function recordsOf(
  { deploys, infrastructure, incidents }: Pick<DoraReport, 'deploys' | 'infrastructure' | 'incidents'>,
  figure: DoraFigure,
): FigureRecords {
  const withoutRollbacks = deploys.filter(({ kind }) => kind !== 'rollback');
  const deployRecords = (items: readonly DoraDeploy[]): FigureRecords => ({ kind: 'deploys', items });
  switch (figure) {
    case 'deployment_frequency':
      return deployRecords(withoutRollbacks.filter(({ status }) => status === 'succeeded'));
    case 'lead_time':
      return deployRecords(withoutRollbacks.filter(({ lead_times_s: seconds }) => seconds.length > 0));
    case 'change_failure_rate':
    case 'failed_deployment_recovery':
      return deployRecords(withoutRollbacks.filter(({ failures, pending }) => failures.length > 0 && !pending));
    case 'rework_rate':
      return deployRecords(deploys.filter(({ rework, pending }) => rework !== null && !pending));
    case 'pending':
      return deployRecords(withoutRollbacks.filter(({ pending }) => pending));
    case 'infrastructure_changes':
      return deployRecords(infrastructure);
    case 'time_to_restore':
      return { kind: 'incidents', items: incidents };
    case 'incidents_without_deploy':
      return { kind: 'incidents', items: incidents.filter(({ deployment_id: deploy }) => deploy === null) };
  }
}
