import { type Command, Option } from 'commander';
import * as z from 'zod';
import { compareCalendars } from '../decisions/calendar.ts';
import { compare } from '../decisions/compare.ts';
import {
  changedObjectives,
  compareObjectives,
  type ObjectiveRecord,
  type Period,
} from '../decisions/objectives/compare-freezes.ts';
import { notReplayed } from '../decisions/freezes.ts';
import { replay, type Recorded } from '../decisions/replay.ts';
import { markdownReport, summaryOf, textReport } from '../decisions/report.ts';
import { Config } from '../../../schemas/config/config.ts';
import { CountedDay, RecordedObjective } from '../objective.ts';
import { RecordedAlert, RecordedIncident } from '../recording.ts';
import { Since } from '../../../schemas/time/since.ts';
import { plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { Client, ErrorResponse, itemsOfAllPages, queryOf } from '../../../entrances/cli/client.ts';
import { CommandFailure, type CommandContext, UsageError } from '../../../entrances/cli/command-context.ts';
import { policyIn } from './policy.ts';
import { asJson, oneLine } from '../../../entrances/cli/table.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

type Options = {
  since: string;
  config?: string;
  runbooks?: string;
  baseConfig?: string;
  baseRunbooks?: string;
  format: 'text' | 'markdown' | 'json';
};

/** Adds the command that shows what a changed policy would have done with recorded incidents. */
export function addSimulate(program: Command, context: CommandContext): void {
  program
    .command('simulate')
    .description(
      'Show what the policy in config/ and runbooks/ would have done with recorded incidents; exits with 1 if anything differs',
    )
    .option('--since <time>', 'How far to look back: 12h, 30d, 4w; at most 90 days', '90d')
    .option('--config <dir>', 'Configuration folder with the changed policy')
    .option('--runbooks <dir>', 'Runbooks folder with the changed policy')
    .option('--base-config <dir>', 'Compare with this configuration folder, instead of the configuration in force')
    .option('--base-runbooks <dir>', 'Compare with this runbooks folder, instead of the runbooks in force')
    .addOption(new Option('--format <format>', 'Output').choices(['text', 'markdown', 'json']).default('text'))
    .action((options: Options) => simulate(context, options));
}

async function simulate(context: CommandContext, options: Options): Promise<void> {
  const seconds = Since.safeParse(options.since);
  if (!seconds.success) throw new UsageError(`--since: ${inputProblemText(seconds.error)}`);
  if ((options.baseConfig === undefined) !== (options.baseRunbooks === undefined))
    throw new UsageError('--base-config and --base-runbooks belong together: give both, or neither');
  const after = await policyIn(context, options);
  const client = await Client.of(context);
  const before =
    options.baseConfig === undefined
      ? Config.parse(await client.get('/v1/configuration', z.record(z.string(), z.unknown())))
      : await policyIn(context, { config: options.baseConfig, runbooks: options.baseRunbooks });
  const until = timestamp(Date.now());
  const from = plusSeconds(until, -seconds.data);
  const recorded = await readRecordings(client, options.since, from);
  const comparison = compare(replay(recorded, before), replay(recorded, after));
  const period = { from, until };
  const calendar = compareCalendars(before, after, period);
  const objectives = compareObjectives(before, after, {
    records: await objectiveRecords(client, before, after, { since: options.since, period }),
    incidents: recorded.incidents,
    period,
  });
  const subject = {
    since: options.since,
    signals: countSignals(recorded),
    notReplayed: [...notReplayed(before, after), ...objectives.unknown],
    calendar,
    objectives,
  };
  if (options.format === 'json')
    context.out(asJson({ ...comparison, calendar, objectives, not_replayed: subject.notReplayed }));
  else
    for (const line of (options.format === 'markdown' ? markdownReport : textReport)(comparison, subject))
      context.out(options.format === 'markdown' ? line : oneLine(line));
  if ([comparison, calendar, objectives].some(({ differences }) => differences.length > 0))
    throw new CommandFailure(summaryOf(comparison, subject));
}

const countSignals = ({ incidents, alerts }: Recorded): number =>
  incidents.reduce((sum, { signals }) => sum + signals.length, 0) +
  alerts.reduce((sum, { fired_at: times }) => sum + Math.max(1, times.length), 0);

const Incidents = z.object({ items: z.array(RecordedIncident), next_cursor: z.string().nullable() });
const Alerts = z.object({ items: z.array(RecordedAlert), next_cursor: z.string().nullable() });

async function readRecordings(client: Client, since: string, from: Timestamp): Promise<Recorded> {
  const incidents = await itemsOfAllPages((cursor) =>
    client.get(`/v1/recordings${queryOf({ since, limit: 100, cursor })}`, Incidents),
  );
  const alerts: RecordedAlert[] = [];
  for (const muted of ['false', 'true']) {
    const recorded = await itemsOfAllPages((cursor) =>
      client.get(`/v1/recordings/alerts${queryOf({ limit: 500, muted, cursor })}`, Alerts),
    );
    alerts.push(
      ...recorded.map(({ signal, fired_at: times }) => ({ signal, fired_at: times.filter((at) => at >= from) })),
    );
  }
  return { incidents, alerts: alerts.filter(({ signal, fired_at: times }) => times.length > 0 || signal.at >= from) };
}

const Days = z.object({ items: z.array(CountedDay), next_cursor: z.string().nullable() });

/** Reads what was recorded of the objectives whose freezes can differ. */
async function objectiveRecords(
  client: Client,
  before: Config,
  after: Config,
  { since, period }: { since: string; period: Period },
): Promise<ObjectiveRecord[]> {
  const records: ObjectiveRecord[] = [];
  for (const { id, countsFrom } of changedObjectives(before, after, period)) {
    const path = `/v1/recordings/objectives/${encodeURIComponent(id)}`;
    try {
      const recorded = await client.get(`${path}${queryOf({ since })}`, RecordedObjective);
      const days = await itemsOfAllPages((cursor) =>
        client.get(`${path}/counts${queryOf({ from: countsFrom.slice(0, 10), cursor })}`, Days),
      );
      records.push({ ...recorded, days });
    } catch (error) {
      // Firebreak does not have an objective that only the changed policy has.
      if (!(error instanceof ErrorResponse && error.status === 404)) throw error;
    }
  }
  return records;
}
