import * as z from 'zod';
import { parseDuration } from '../../../core/domain/slack/commands/duration.ts';
import { FreezeView } from '../schemas/freeze.ts';
import { Client } from '../../../entrances/cli/client.ts';
import { asJson, oneLine, shortTime } from '../../../entrances/cli/table.ts';
import { UsageError, type CommandContext } from '../../../entrances/cli/command-context.ts';

const Opened = FreezeView.extend({
  warnings: z.array(z.string()).default([]),
  services: z.array(z.string()).default([]),
});
type Opened = z.infer<typeof Opened>;

export type OpenOptions = {
  reason: string;
  service?: string | undefined;
  team?: string | undefined;
  environment?: string | undefined;
  all?: true;
  startsAt?: string;
  until?: string;
  for?: string;
  untilLifted?: true;
  yes?: true;
  json?: true;
};

type Scope = Pick<OpenOptions, 'service' | 'team' | 'environment'>;

/** How many services the output names. */
const LISTED_SERVICES = 20;

/** Opens a freeze and prints its scope. Requires scope and end as options or at the prompt: neither has a default. */
export async function open(context: CommandContext, options: OpenOptions): Promise<void> {
  const scope = await scopeOf(context, options);
  const until = await endOf(context, options);
  const { reason, startsAt: starts_at } = options;
  const opened = await (await Client.of(context)).create('/v1/freezes', { reason, ...scope, starts_at, until }, Opened);
  for (const warning of opened.warnings) context.err(oneLine(warning));
  context.out(options.json ? asJson(opened) : opened.id);
  if (!options.json) context.err(oneLine(summaryOf(opened)));
}

async function scopeOf(context: CommandContext, { service, team, environment, all, yes }: OpenOptions): Promise<Scope> {
  const isNamed = [service, team, environment].some((name) => name !== undefined);
  if (all && isNamed) throw new UsageError('--all cannot be combined with --service, --team, or --environment');
  if (isNamed || all || yes) return { service, team, environment };
  if (context.ask === undefined)
    throw new UsageError('specify what to freeze: --service, --team, --environment, or --all for every deploy');
  const serviceAnswer = (await context.ask('Which service? Leave empty for all services: ')).trim();
  const environmentAnswer = (await context.ask('Which environment? Leave empty for all environments: ')).trim();
  return { service: serviceAnswer || undefined, environment: environmentAnswer || undefined };
}

/** Returns the end of the freeze. Undefined: until a person lifts it. */
async function endOf(
  context: CommandContext,
  { until, for: duration, untilLifted, startsAt, yes }: OpenOptions,
): Promise<string | undefined> {
  if ([until, duration, untilLifted].filter((option) => option !== undefined).length > 1)
    throw new UsageError('specify only one of --until, --for, and --until-lifted');
  if (until !== undefined) return until;
  if (duration !== undefined) return after(duration, startsAt);
  if (untilLifted || yes) return undefined;
  if (context.ask === undefined)
    throw new UsageError('specify when it ends: --for 2h, --until TIME, or --until-lifted');
  const answer = (
    await context.ask('For how long, such as 30m or 2h? Leave empty to freeze until the freeze is lifted: ')
  ).trim();
  return answer === '' ? undefined : after(answer, startsAt);
}

function after(duration: string, startsAt: string | undefined): string {
  const parsed = parseDuration(duration);
  if ('problem' in parsed) throw new UsageError(parsed.problem);
  const start = startsAt === undefined ? Date.now() : Date.parse(startsAt);
  if (Number.isNaN(start))
    throw new UsageError(`--starts-at: ${JSON.stringify(startsAt)} is not a time such as 2026-11-20T18:00:00Z`);
  return new Date(start + parsed.seconds * 1000).toISOString();
}

function summaryOf({ service, team, environment, services, starts_at, until, state }: Opened): string {
  const more = services.length - LISTED_SERVICES;
  const names = `${services.slice(0, LISTED_SERVICES).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  const what =
    service ??
    (team === null ? `all services${names === '' ? '' : ` (${names})`}` : `services of team ${team} (${names})`);
  const where = environment === null ? 'in all environments' : `in ${environment}`;
  const from = state === 'scheduled' ? ` from ${shortTime(starts_at)} UTC` : '';
  return `frozen: ${what} ${where}${from} ${until === null ? 'until lifted' : `until ${shortTime(until)} UTC`}`;
}
