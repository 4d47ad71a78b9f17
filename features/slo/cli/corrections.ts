import type { Command } from 'commander';
import { CorrectionPreview } from '../schemas/correction-preview.ts';
import { SloCorrection } from '../schemas/slo-correction.ts';
import { addApiCommands, apiCommand, listOf } from '../../../entrances/cli/api-command.ts';
import { Client } from '../../../entrances/cli/client.ts';
import type { CommandContext } from '../../../entrances/cli/command-context.ts';
import { choice, JSON_OPTION, LIMIT_OPTION, required } from '../../../entrances/cli/options.ts';
import { asJson, oneLine, shortTime, table } from '../../../entrances/cli/table.ts';
import { CorrectionCategory } from '../../../schemas/slo/slo-status.ts';

type AddOptions = {
  category: CorrectionCategory;
  reason: string;
  from: string;
  until: string;
  rrule?: string;
  timeZone?: string;
  preview?: true;
  json?: true;
};

const OBJECTIVE = ['<objective>', 'ID of the objective'] as const;
const CORRECTION = ['<correction>', 'ID of the correction, as `list` prints it'] as const;
const REASON = ['--reason <text>', 'Reason, for the record'] as const;

/** Adds the commands for corrections: periods that do not count for an objective. */
export function addSloCorrections(slo: Command, context: CommandContext): void {
  const corrections = slo
    .command('corrections')
    .description('List, record, end, and withdraw periods that do not count for an objective');
  addApiCommands(corrections, context, [
    {
      usage: 'list',
      description: 'List corrections of an objective, newest first, including withdrawn ones',
      args: [OBJECTIVE],
      options: [LIMIT_OPTION, JSON_OPTION],
      ...listOf('/v1/slos/:objective/corrections', SloCorrection, [
        'id',
        ['STATE', stateOf],
        'category',
        ['FROM', ({ starts_at: at }) => shortTime(at)],
        ['UNTIL', ({ ends_at: at }) => shortTime(at)],
        ['RECURS', ({ rrule, time_zone: zone }) => (rrule === null ? '-' : `${rrule} (${zone ?? 'UTC'})`)],
        ['BY', ({ created_by: by }) => by],
        'reason',
      ]),
    },
  ]);
  corrections
    .command('add')
    .description('Record a correction, and print the budget with and without it')
    .argument(...OBJECTIVE)
    .addOption(
      choice(
        '--category <category>',
        'Why the period does not count',
        CorrectionCategory.options,
      ).makeOptionMandatory(),
    )
    .requiredOption(...REASON)
    .requiredOption('--from <time>', 'Start, RFC 3339')
    .requiredOption('--until <time>', 'End, RFC 3339; of the first occurrence, with --rrule')
    .option('--rrule <rule>', 'Recurrence of RFC 5545, such as "FREQ=WEEKLY;BYDAY=SA"')
    .option('--time-zone <zone>', 'Time zone of the recurrence (default: UTC)')
    .option('--preview', 'Record nothing')
    .option(...JSON_OPTION)
    .action((id: string, options: AddOptions) => add(context, id, options));
  addApiCommands(corrections, context, [
    apiCommand({
      usage: 'end',
      description: 'End a correction now: past periods stay left out, later ones count',
      args: [OBJECTIVE, CORRECTION],
      options: [required(...REASON)],
      call: 'POST /v1/slos/:objective/corrections/:correction/end',
      response: SloCorrection,
      print: (_, { correction }) => [`${String(correction)} is ended`],
    }),
    {
      usage: 'withdraw',
      description: 'Withdraw a correction: all its periods count again',
      args: [OBJECTIVE, CORRECTION],
      options: [required(...REASON)],
      call: 'DELETE /v1/slos/:objective/corrections/:correction',
      print: (_, { correction }) => [`${String(correction)} is withdrawn`],
    },
  ]);
}

function stateOf({ withdrawn_at, ended_at }: SloCorrection): string {
  if (withdrawn_at !== null) return `withdrawn ${shortTime(withdrawn_at)}`;
  return ended_at === null ? 'in effect' : `ended ${shortTime(ended_at)}`;
}

async function add(context: CommandContext, id: string, options: AddOptions): Promise<void> {
  const client = await Client.of(context);
  const path = `/v1/slos/${encodeURIComponent(id)}/corrections`;
  const correction = {
    category: options.category,
    reason: options.reason,
    starts_at: options.from,
    ends_at: options.until,
    ...(options.rrule !== undefined && { rrule: options.rrule }),
    ...(options.timeZone !== undefined && { time_zone: options.timeZone }),
  };
  const preview = await client.post(`${path}/preview`, correction, CorrectionPreview);
  if (options.preview) return context.out(options.json ? asJson(preview) : previewText(preview));
  const recorded = await client.create(path, correction, SloCorrection);
  if (options.json) return context.out(asJson(recorded));
  context.out(previewText(preview));
  context.out(oneLine(`${recorded.id} is recorded; it takes effect at the next evaluation, within a minute`));
}

function previewText({ present, corrected, uncorrected, excluded_seconds, next_periods }: CorrectionPreview): string {
  const cells = (values: CorrectionPreview['present']): string[] => [
    percentText(values.budget.remaining),
    rateText(values.burn_rates['1h']),
    rateText(values.burn_rates['6h']),
    rateText(values.burn_rates['3d']),
  ];
  const rows = [
    ['now', ...cells(present)],
    ['with this correction', ...cells(corrected)],
    ['without any correction', ...cells(uncorrected)],
  ];
  const next = next_periods.map(({ starts_at, ends_at }) => `${shortTime(starts_at)} to ${shortTime(ends_at)}`);
  return [
    table(['VALUES', 'BUDGET LEFT', 'BURN 1H', 'BURN 6H', 'BURN 3D'], rows),
    `it excludes ${Math.round(excluded_seconds / 36) / 100} hours of the window so far`,
    ...(next.length === 0 ? [] : [`next periods (UTC): ${next.join(', ')}`]),
  ].join('\n');
}

const percentText = (share: number | null): string =>
  share === null ? 'unknown' : `${Number((share * 100).toFixed(2))} %`;
const rateText = (rate: number | null | undefined): string => (rate == null ? '-' : `${Math.round(rate * 100) / 100}x`);
