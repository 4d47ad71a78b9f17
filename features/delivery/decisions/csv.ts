import type { DoraDeploy, DoraFigures, DoraIncident } from '../dora.ts';

type Cell = string | number | boolean | null;

/** Returns the figures as CSV, one figure per row. */
export function figuresCsv(figures: DoraFigures): string {
  const {
    deployment_frequency: frequency,
    lead_time: lead,
    change_failure_rate: failed,
    time_to_restore: restore,
    rework_rate: rework,
    failed_deployment_recovery: recovery,
    pending,
    incidents_without_deploy: unattributed,
    infrastructure_changes: applies,
  } = figures;
  return csv([
    ['figure', 'value', 'unit', 'band', 'records'],
    ['deployment_frequency', frequency.value, 'per_day', frequency.band, frequency.deploys],
    ['lead_time_median', lead.median_s, 's', lead.band, lead.commits],
    ['lead_time_p90', lead.p90_s, 's', null, lead.commits],
    ['change_failure_rate', failed.value, 'ratio', failed.band, failed.deploys],
    ['time_to_restore_median', restore.median_s, 's', restore.band, restore.incidents],
    ['rework_rate', rework.value, 'ratio', null, rework.deploys],
    ['failed_deployment_recovery_median', recovery.median_s, 's', recovery.band, recovery.recovered],
    ['pending', pending, 'deployments', null, pending],
    ['incidents_without_deploy', unattributed, 'incidents', null, unattributed],
    ['infrastructure_changes_succeeded', applies.value, 'ratio', null, applies.succeeded + applies.failed],
  ]);
}

/** Returns deploys as CSV. */
export const deploysCsv = (deploys: readonly DoraDeploy[]): string =>
  csv([
    [
      'id',
      'service',
      'environment',
      'version',
      'kind',
      'status',
      'started_at',
      'finished_at',
      'commits',
      'lead_times_s',
      'pending',
      'failed',
      'incidents',
      'recovery_s',
      'rework',
      'rework_pull_request',
    ],
    ...deploys.map((record): Cell[] => [
      record.id,
      record.service,
      record.environment,
      record.version,
      record.kind,
      record.status,
      record.started_at,
      record.finished_at,
      record.lead_times_s.length,
      record.lead_times_s.join(' '),
      record.pending,
      record.failures.length > 0,
      record.failures.flatMap((cause) => (cause.kind === 'incident' ? cause.incident_id : [])).join(' '),
      record.recovery_s,
      record.rework,
      record.rework_pull_request && `${record.rework_pull_request.repository}#${record.rework_pull_request.number}`,
    ]),
  ]);

/** Returns incidents as CSV. */
export const incidentsCsv = (incidents: readonly DoraIncident[]): string =>
  csv([
    [
      'id',
      'service',
      'environment',
      'title',
      'opened_at',
      'resolved_at',
      'restore_s',
      'deployment_id',
      'attributed_by',
      'corrected_by',
      'reason',
    ],
    ...incidents.map((record): Cell[] => [
      record.id,
      record.service,
      record.environment,
      record.title,
      record.opened_at,
      record.resolved_at,
      record.restore_s,
      record.deployment_id,
      record.attributed_by,
      record.correction?.by ?? null,
      record.correction?.reason ?? null,
    ]),
  ]);

const csv = (rows: readonly (readonly Cell[])[]): string =>
  rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('');

/** Spreadsheets run a text that begins like this as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
