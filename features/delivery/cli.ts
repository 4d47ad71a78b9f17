import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { deploysCsv, figuresCsv, incidentsCsv } from './decisions/csv.ts';
import { DoraDeploy, DoraFigure, DoraFigures, DoraIncident, FIGURE_NAMES } from './dora.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { counted } from '../../core/domain/reports/words.ts';
import { Client, queryOf } from '../../entrances/cli/client.ts';
import type { CommandContext } from '../../entrances/cli/command-context.ts';
import { type Column, PLACE, tableOf } from '../../entrances/cli/api-command.ts';
import { JSON_OPTION } from '../../entrances/cli/options.ts';
import { asJson, printTable, shortTime } from '../../entrances/cli/table.ts';

type Scope = { window: string; service?: string; environment?: string; team?: string; tier?: string };
type Options = Scope & { records?: DoraFigure; json?: true; csv?: true };

const Report = DoraFigures.extend({ window: z.object({ from: Timestamp, until: Timestamp }) });

const RecordsPage = z.object({
  deployments: z.array(DoraDeploy),
  incidents: z.array(DoraIncident),
  next_cursor: z.string().nullable(),
});

/** Adds the report of delivery figures. */
export function addDora(report: Command, context: CommandContext): void {
  report
    .command('dora')
    .description('Show delivery figures (DORA), or the records behind one of them')
    .option('--window <time>', 'How far to look back: 7d, 4w, 365d', '28d')
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'This environment in place of production')
    .option('--team <name>', 'Only services of this team')
    .option('--tier <number>', 'Only services of this tier')
    .addOption(new Option('--records <figure>', 'List the records of this figure').choices(DoraFigure.options))
    .option('--csv', 'Print CSV')
    .option(...JSON_OPTION)
    .action(({ records, json, csv, ...scope }: Options) =>
      records === undefined ? figures(context, scope, { json, csv }) : list(context, scope, records, { json, csv }),
    );
}

type Format = { json: true | undefined; csv: true | undefined };

async function figures(context: CommandContext, scope: Scope, { json, csv }: Format): Promise<void> {
  const report = await (await Client.of(context)).get(`/v1/metrics/dora${queryOf(scope)}`, Report);
  if (json) return context.out(asJson(report));
  if (csv) return context.out(figuresCsv(report).trimEnd());
  const {
    deployment_frequency: frequency,
    lead_time: lead,
    change_failure_rate: failureRate,
    failed_deployment_recovery: recovery,
    rework_rate: rework,
    time_to_restore: restore,
    infrastructure_changes: applies,
  } = report;
  context.out(`${shortTime(report.window.from)} to ${shortTime(report.window.until)} UTC`);
  printTable(context, {
    heading: ['FIGURE', 'VALUE', 'BAND', 'OF'],
    rows: [
      [
        FIGURE_NAMES.deployment_frequency,
        `${threeDigits(frequency.value)} per day`,
        frequency.band ?? '-',
        counted(frequency.deploys, 'deploy'),
      ],
      [
        FIGURE_NAMES.lead_time,
        durationText(lead.median_s),
        lead.band ?? '-',
        `${counted(lead.commits, 'commit')}; p90 ${durationText(lead.p90_s)}`,
      ],
      [
        FIGURE_NAMES.change_failure_rate,
        percentText(failureRate.value),
        failureRate.band ?? '-',
        `${failureRate.failed} of ${counted(failureRate.deploys, 'deploy')}`,
      ],
      [
        FIGURE_NAMES.failed_deployment_recovery,
        durationText(recovery.median_s),
        recovery.band ?? '-',
        `${recovery.recovered} recovered, ${recovery.open} not yet`,
      ],
      [
        FIGURE_NAMES.rework_rate,
        percentText(rework.value),
        '-',
        `${rework.rework} of ${counted(rework.deploys, 'deploy or rollback', 'deploys and rollbacks')}`,
      ],
      [
        FIGURE_NAMES.time_to_restore,
        durationText(restore.median_s),
        restore.band ?? '-',
        `${counted(restore.incidents, 'incident')}, ${restore.open} open${restore.unverified === 0 ? '' : `, ${restore.unverified} closed, not verified`}`,
      ],
      [FIGURE_NAMES.pending, String(report.pending), '-', 'deploys too young for a rate'],
      [
        FIGURE_NAMES.incidents_without_deploy,
        String(report.incidents_without_deploy),
        '-',
        'no deploy confirmed as the cause',
      ],
      [
        FIGURE_NAMES.infrastructure_changes,
        percentText(applies.value),
        '-',
        `${applies.succeeded} of ${applies.succeeded + applies.failed} succeeded`,
      ],
    ],
  });
}

async function list(context: CommandContext, scope: Scope, figure: DoraFigure, { json, csv }: Format): Promise<void> {
  const client = await Client.of(context);
  const deploys: DoraDeploy[] = [];
  const incidents: DoraIncident[] = [];
  let cursor: string | undefined;
  do {
    const query = queryOf({ ...scope, figure, limit: '500', ...(cursor !== undefined && { cursor }) });
    const page = await client.get(`/v1/metrics/dora/records${query}`, RecordsPage);
    deploys.push(...page.deployments);
    incidents.push(...page.incidents);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (json) return context.out(asJson({ figure, deployments: deploys, incidents }));
  const listsIncidents = figure === 'time_to_restore' || figure === 'incidents_without_deploy';
  if (csv) return context.out((listsIncidents ? incidentsCsv(incidents) : deploysCsv(deploys)).trimEnd());
  if (deploys.length + incidents.length === 0) return context.out('No record of this window counts in this figure.');
  printTable(context, listsIncidents ? tableOf(incidents, INCIDENT_COLUMNS) : tableOf(deploys, DEPLOY_COLUMNS));
}

const INCIDENT_COLUMNS: readonly Column<DoraIncident>[] = [
  ['INCIDENT', incidentName],
  PLACE,
  ['RESTORED AFTER', ({ restore_s: seconds }) => durationText(seconds)],
  'opened_at',
  ['DEPLOY', ({ deployment_id: deploy }) => deploy ?? '-'],
  ['ATTRIBUTED BY', ({ correction, attributed_by: by }) => correction?.by ?? by],
];

const DEPLOY_COLUMNS: readonly Column<DoraDeploy>[] = [
  ['ENDED', ({ finished_at: at }) => shortTime(at)],
  PLACE,
  'version',
  'kind',
  ['LEAD TIMES', ({ lead_times_s: times }) => times.map(durationText).join(' ') || '-'],
  ['REWORK', reworkOf],
  ['OUTCOME', outcomeOf],
];

function reworkOf({ rework, rework_pull_request: pullRequest }: DoraDeploy): string {
  return pullRequest === null ? (rework ?? '-') : `${rework} ${pullRequest.repository}#${pullRequest.number}`;
}

function outcomeOf({ failures, pending, recovery_s, status }: DoraDeploy): string {
  if (failures.length === 0) return pending ? 'pending' : status;
  const causes = failures.map((cause) =>
    cause.kind === 'incident'
      ? `incident ${incidentName({ id: cause.incident_id, number: cause.incident_number })}`
      : cause.kind,
  );
  return `failed (${causes.join(', ')}), ${recovery_s === null ? 'no recovery recorded' : `recovered after ${durationText(recovery_s)}`}`;
}

const threeDigits = (value: number): string => String(Number(value.toPrecision(3)));
const percentText = (value: number | null): string => (value === null ? '-' : `${threeDigits(value * 100)} %`);

/** Returns a duration in its largest unit. @param value seconds */
function durationText(value: number | null): string {
  if (value === null) return '-';
  if (value < 60) return `${threeDigits(value)} s`;
  if (value < 3600) return `${threeDigits(value / 60)} min`;
  return value < 86_400 ? `${threeDigits(value / 3600)} h` : `${threeDigits(value / 86_400)} d`;
}
