import { type Command, Option } from 'commander';
import * as z from 'zod';
import { deploysCsv, figuresCsv, incidentsCsv } from '../../../domain/delivery/csv.ts';
import { DoraDeploy, DoraFigure, DoraFigures, DoraIncident } from '../../../schemas/delivery/dora.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { Client, queryOf } from '../../client.ts';
import type { CommandContext } from '../../command-context.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, shortTime, table } from '../../table.ts';

type Scope = { window: string; service?: string; environment?: string; team?: string; tier?: string };
type Options = Scope & { records?: DoraFigure; json?: true; csv?: true };

const Report = DoraFigures.extend({ window: z.object({ from: Timestamp, until: Timestamp }) });

const Page = z.object({
  deployments: z.array(DoraDeploy),
  incidents: z.array(DoraIncident),
  next_cursor: z.string().nullable(),
});

/** Adds the report of delivery figures. */
export function addDora(report: Command, context: CommandContext): void {
  report
    .command('dora')
    .description('Show delivery figures (DORA), or the records behind one of them')
    .option('--window <time>', 'The time until now: 7d, 4w, 365d', '28d')
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
  const found = await (await Client.of(context)).get(`/v1/metrics/dora${queryOf(scope)}`, Report);
  if (json) return context.out(asJson(found));
  if (csv) return context.out(figuresCsv(found).trimEnd());
  const {
    deployment_frequency: frequency,
    lead_time: lead,
    change_failure_rate: failed,
    failed_deployment_recovery: recovery,
    rework_rate: rework,
    time_to_restore: restore,
    infrastructure_changes: applies,
  } = found;
  context.out(`${shortTime(found.window.from)} to ${shortTime(found.window.until)} UTC`);
  context.out(
    table(
      ['FIGURE', 'VALUE', 'BAND', 'OF'],
      [
        [
          'deployment_frequency',
          `${decimals(frequency.value)} per day`,
          frequency.band ?? '-',
          `${frequency.deploys} deploys`,
        ],
        ['lead_time', seconds(lead.median_s), lead.band ?? '-', `${lead.commits} commits; p90 ${seconds(lead.p90_s)}`],
        [
          'change_failure_rate',
          share(failed.value),
          failed.band ?? '-',
          `${failed.failed} of ${failed.deploys} deploys`,
        ],
        [
          'failed_deployment_recovery',
          seconds(recovery.median_s),
          recovery.band ?? '-',
          `${recovery.recovered} recovered, ${recovery.open} not yet`,
        ],
        ['rework_rate', share(rework.value), '-', `${rework.rework} of ${rework.deploys} deploys and rollbacks`],
        [
          'time_to_restore',
          seconds(restore.median_s),
          restore.band ?? '-',
          `${restore.incidents} incidents, ${restore.open} open`,
        ],
        ['pending', String(found.pending), '-', 'deploys too young for a rate'],
        ['incidents_without_deploy', String(found.incidents_without_deploy), '-', 'no deploy confirmed as the cause'],
        [
          'infrastructure_changes',
          share(applies.value),
          '-',
          `${applies.succeeded} of ${applies.succeeded + applies.failed} succeeded`,
        ],
      ],
    ),
  );
}

async function list(context: CommandContext, scope: Scope, figure: DoraFigure, { json, csv }: Format): Promise<void> {
  const client = await Client.of(context);
  const deploys: DoraDeploy[] = [];
  const incidents: DoraIncident[] = [];
  let cursor: string | undefined;
  do {
    const query = queryOf({ ...scope, figure, limit: '500', ...(cursor !== undefined && { cursor }) });
    const page = await client.get(`/v1/metrics/dora/records${query}`, Page);
    deploys.push(...page.deployments);
    incidents.push(...page.incidents);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (json) return context.out(asJson({ figure, deployments: deploys, incidents }));
  const ofIncidents = figure === 'time_to_restore' || figure === 'incidents_without_deploy';
  if (csv) return context.out((ofIncidents ? incidentsCsv(incidents) : deploysCsv(deploys)).trimEnd());
  if (deploys.length + incidents.length === 0) return context.out('No record of this window counts in this figure.');
  context.out(
    ofIncidents
      ? table(
          ['OPENED', 'SERVICE', 'INCIDENT', 'RESTORED AFTER', 'DEPLOY', 'ATTRIBUTED BY'],
          incidents.map((one) => [
            shortTime(one.opened_at),
            `${one.service}/${one.environment}`,
            one.id,
            seconds(one.restore_s),
            one.deployment_id ?? '-',
            one.correction?.by ?? one.attributed_by,
          ]),
        )
      : table(
          ['ENDED', 'SERVICE', 'VERSION', 'KIND', 'LEAD TIMES', 'OUTCOME', 'REWORK'],
          deploys.map((one) => [
            shortTime(one.finished_at),
            `${one.service}/${one.environment}`,
            one.version,
            one.kind,
            one.lead_times_s.map(seconds).join(' ') || '-',
            outcomeOf(one),
            reworkOf(one),
          ]),
        ),
  );
}

const reworkOf = ({ rework, rework_pull_request: of }: DoraDeploy): string =>
  of === null ? (rework ?? '-') : `${rework} ${of.repository}#${of.number}`;

function outcomeOf({ failures, pending, recovery_s, status }: DoraDeploy): string {
  if (failures.length === 0) return pending ? 'pending' : status;
  const causes = failures.map((cause) => (cause.kind === 'incident' ? `incident ${cause.incident_id}` : cause.kind));
  return `failed (${causes.join(', ')}), ${recovery_s === null ? 'not recovered yet' : `recovered after ${seconds(recovery_s)}`}`;
}

const decimals = (value: number): string => String(Number(value.toPrecision(3)));
const share = (value: number | null): string => (value === null ? '-' : `${decimals(value * 100)} %`);

/** Shows a duration in its largest unit. */
function seconds(value: number | null): string {
  if (value === null) return '-';
  if (value < 60) return `${decimals(value)} s`;
  if (value < 3600) return `${decimals(value / 60)} min`;
  return value < 86_400 ? `${decimals(value / 3600)} h` : `${decimals(value / 86_400)} d`;
}
