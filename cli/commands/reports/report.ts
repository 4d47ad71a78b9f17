import type { Command } from 'commander';
import { ShadowReport, type ShadowRow, type ShadowTally } from '../../../schemas/automation/shadow-report.ts';
import { FEATURES } from '../../../features/index.ts';
import { Client, queryOf } from '../../client.ts';
import { addDora } from './report-dora.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';

type Options = { since: string; service?: string; environment?: string; json?: true };

/** Functions that add the reports of features. */
const FEATURE_REPORTS = await Promise.all(FEATURES.flatMap(({ reports }) => reports?.() ?? []));

/** Adds reports over many incidents, and those of features. */
export function addReport(program: Command, context: CommandContext): void {
  const report = program.command('report').description('Reports over many incidents or pipeline runs');
  report
    .command('shadow')
    .description('Compare what automation would have done in shadow mode with what people did')
    .option('--since <time>', 'How far to look back: 12h, 30d, 4w', '30d')
    .option('--service <name>', 'Only incidents of this service')
    .option('--environment <name>', 'Only incidents in this environment')
    .option(...JSON_OPTION)
    .action(({ json, ...query }: Options) => shadow(context, query, json));
  addDora(report, context);
  for (const add of FEATURE_REPORTS) add(report, context);
}

async function shadow(context: CommandContext, query: Omit<Options, 'json'>, json: true | undefined): Promise<void> {
  const report = await (await Client.of(context)).get(`/v1/reports/shadow${queryOf(query)}`, ShadowReport);
  if (json) return context.out(asJson(report));
  const { since, until, incidents, complete, items } = report;
  context.out(`${shortTime(since)} to ${shortTime(until)} UTC, ${incidents} incident${incidents === 1 ? '' : 's'}`);
  if (!complete) context.out('Older incidents in this period are not included: narrow the report with --service.');
  if (items.length === 0) return context.out('No incident affected a service in shadow mode.');
  context.out(
    table(
      ['SERVICE', 'MODE NOW', 'WOULD ROLL BACK', 'WOULD ASK', 'WOULD DO NOTHING'],
      items.map((row) => [
        nameOf(row),
        row.mode ?? '-',
        tallyText(row.rollbacks),
        tallyText(row.questions),
        tallyText(row.nothing),
      ]),
    ),
  );
  for (const row of items) printCases(context, row);
}

const nameOf = ({ service, environment }: ShadowRow): string => `${service}/${environment}`;

const tallyText = ({ count, right, wrong, undecided }: ShadowTally): string =>
  count === 0 ? '0' : `${count}: ${right} right, ${wrong} wrong, ${undecided} undecided`;

const WOULD = { roll_back: 'would roll back', ask: 'would ask to roll back', nothing: 'would do nothing' } as const;

function printCases(context: CommandContext, row: ShadowRow): void {
  context.out('');
  context.out(oneLine(nameOf(row)));
  for (const { at, incident, would, from_version, to_version, verdict, because } of row.cases) {
    const versions = would === 'nothing' ? '' : ` ${from_version ?? '?'} to ${to_version ?? '?'}`;
    context.out(oneLine(`  ${shortTime(at)}  ${incident}  ${WOULD[would]}${versions}: ${verdict} (${because})`));
  }
  const { promotion } = row;
  if (promotion === null) return;
  const advice = promotion.ready ? `Ready for mode ${promotion.to}` : `Not ready for mode ${promotion.to} yet`;
  context.out(oneLine(`  ${advice} (${promotion.because}). To promote:`));
  for (const step of promotion.steps) context.out(oneLine(`    ${step}`));
}
