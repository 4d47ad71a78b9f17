import type { Command } from 'commander';
import * as z from 'zod';
import { counted } from '../../../domain/reports/words.ts';
import type { CheckInputs } from '../../../domain/freeze/check-inputs.ts';
import { decide } from '../../../domain/freeze/decide.ts';
import { FreezeView, Override } from '../../../schemas/freeze/freeze.ts';
import { CheckAnswer, FreezeDecisionView } from '../../../schemas/freeze/freeze-check.ts';
import { Client, queryOf } from '../../client.ts';
import { canonicalJson } from '../../hash.ts';
import { publicKeysIn, thumbprintsOf } from '../../offline/keys.mjs';
import { JSON_OPTION, LIMIT_OPTION, numberTo500 } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../command-context.ts';
import { addFreezeCheck } from './check.ts';
import { open, type OpenOptions } from './open.ts';

const Freezes = z.object({ items: z.array(FreezeView) });
const NewOverride = Override.pick({ id: true, needs_approval: true }).extend({
  warnings: z.array(z.string()).default([]),
});
const Approved = Override.pick({ approved_by: true });

const FREEZE = ['<freeze>', 'Id, last characters of the id, or SERVICE[/ENVIRONMENT]'] as const;

export function addFreeze(program: Command, context: CommandContext): void {
  const freeze = program.command('freeze').description('Check, open, lift, and override deploy freezes');
  addFreezeCheck(freeze, context);
  freeze
    .command('status')
    .description('Show freezes in force, or whether one service is frozen')
    .argument('[service]')
    .argument('[environment]', 'Environment of the service', 'production')
    .option(...JSON_OPTION)
    .action((service: string | undefined, environment: string, options: { json?: true }) =>
      service === undefined ? showInForce(context, options) : showStatus(context, { service, environment }, options),
    );
  freeze
    .command('list')
    .description('List freezes, newest first, including ended ones')
    .option('--service <name>', 'Only freezes of this service')
    .option('--environment <name>', 'Only freezes of this environment')
    .option(...LIMIT_OPTION)
    .option(...JSON_OPTION)
    .action((options: { service?: string; environment?: string; limit: number; json?: true }) =>
      list(context, options),
    );
  freeze
    .command('open')
    .description('Freeze deploys now or from a given time; prompts for a missing scope or end at a terminal')
    .requiredOption('--reason <text>', 'Reason, shown for each refused deploy')
    .option('--service <name>', 'Freeze deploys of this service')
    .option('--team <name>', "Freeze deploys of this team's services")
    .option('--environment <name>', 'Freeze deploys to this environment')
    .option('--all', 'Freeze all deploys to all environments')
    .option('--starts-at <time>', 'Start, RFC 3339 (default: now)')
    .option('--until <time>', 'End, RFC 3339')
    .option('--for <duration>', 'Duration, such as 30m, 2h, or 1d')
    .option('--until-lifted', 'No end: the freeze applies until it is lifted')
    .option('-y, --yes', 'Skip prompts; a missing scope means all deploys, a missing end means until lifted')
    .option(...JSON_OPTION)
    .action((options: OpenOptions) => open(context, options));
  freeze
    .command('lift')
    .description('Lift a freeze; the same cause freezes again only after it has cleared once')
    .argument(...FREEZE)
    .option('--reason <text>', 'Reason, for the record')
    .action((id: string, options: { reason?: string }) => lift(context, id, options));
  freeze
    .command('override')
    .description('Allow deployments during a freeze')
    .argument(...FREEZE)
    .requiredOption('--reason <text>', 'Reason, for the record')
    .option('--expires-at <time>', 'When the override expires, RFC 3339')
    .option('--minutes <n>', 'Minutes until the override expires', numberTo500)
    .option('--uses <n>', 'Number of deployments (default: unlimited)', numberTo500)
    .option('--version <version>', 'Only deployments of this version')
    .action((id: string, options: OverrideOptions) => override(context, id, options));
  freeze
    .command('approve')
    .description('Approve an override as a second person')
    .argument(...FREEZE)
    .argument('<override>')
    .action((id: string, overrideId: string) => approve(context, id, overrideId));
  freeze
    .command('keys')
    .description("Print thumbprints of Firebreak's signing keys, in the format of FIREBREAK_KEYS")
    .option('--json', 'Print the JWKS')
    .action((options: { json?: true }) => printKeys(context, options));
  freeze
    .command('explain')
    .description('Show the inputs of a freeze decision and evaluate it again; exits with 1 if the verdict differs')
    .argument('<decision>')
    .option(...JSON_OPTION)
    .action((id: string, options: { json?: true }) => explain(context, id, options));
}

async function showInForce(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const { items } = await (await Client.of(context)).get('/v1/freezes?limit=500', Freezes);
  printFreezes(
    context,
    items.filter(({ state }) => state !== 'over'),
    json,
  );
}

async function list(
  context: CommandContext,
  { json, ...query }: { service?: string; environment?: string; limit: number; json?: true },
): Promise<void> {
  printFreezes(context, (await (await Client.of(context)).get(`/v1/freezes${queryOf(query)}`, Freezes)).items, json);
}

/** Minimum length of the last characters of an id. A shorter text is more likely a mistyped service name. */
const ID_END_MIN = 4;

/**
 * Returns the id of the freeze with this name.
 * @throws CommandFailure if no freeze in force or scheduled has this name; UsageError if several have it
 */
async function freezeNamed(client: Client, freezeName: string): Promise<string> {
  if (freezeName.startsWith('frz_')) return freezeName;
  const { items } = await client.get('/v1/freezes?limit=500', Freezes);
  const [service, environment] = freezeName.split('/');
  const [match, ...others] = items.filter(
    (freeze) =>
      freeze.id === freezeName ||
      (freeze.state !== 'over' &&
        ((freeze.service === service && (environment === undefined || freeze.environment === environment)) ||
          (freezeName.length >= ID_END_MIN && freeze.id.endsWith(freezeName)))),
  );
  if (match === undefined)
    throw new CommandFailure(
      `freeze ${JSON.stringify(freezeName)} not found; to list freezes: firebreak freeze status`,
    );
  if (others.length > 0)
    throw new UsageError(
      [
        `${JSON.stringify(freezeName)} matches several freezes:`,
        ...[match, ...others].map(({ id, reason }) => oneLine(`  ${id}  ${reason}`)),
      ].join('\n'),
    );
  return match.id;
}

function printFreezes(context: CommandContext, freezes: readonly FreezeView[], json: true | undefined): void {
  if (json) return context.out(asJson(freezes));
  const rows = freezes.map((freeze) => [
    freeze.id,
    `${freeze.service ?? (freeze.team === null ? '*' : `team ${freeze.team}`)}/${freeze.environment ?? '*'}`,
    freeze.cause,
    freeze.state.replace('_', ' '),
    shortTime(freeze.starts_at),
    shortTime(freeze.ended_at ?? freeze.until),
    freeze.reason,
  ]);
  context.out(table(['ID', 'SCOPE', 'CAUSE', 'STATE', 'FROM', 'UNTIL', 'REASON'], rows));
}

/** Runs a freeze check for a plain deploy. Exits with 0 also when frozen: the command reports, it does not gate. */
async function showStatus(
  context: CommandContext,
  serviceEnvironment: { service: string; environment: string },
  { json }: { json?: true },
): Promise<void> {
  const answer = await (await Client.of(context)).get(`/v1/freeze-check${queryOf(serviceEnvironment)}`, CheckAnswer);
  if (json) return context.out(asJson(answer));
  context.out(
    `${serviceEnvironment.service}/${serviceEnvironment.environment}: ${answer.allowed ? answer.verdict : 'frozen'}`,
  );
  for (const { text } of answer.reasons) context.out(oneLine(`  ${text}`));
  if (answer.clears_when !== null) context.out(oneLine(`  Clears ${answer.clears_when}`));
}

async function lift(context: CommandContext, freezeName: string, { reason }: { reason?: string }): Promise<void> {
  const client = await Client.of(context);
  const id = await freezeNamed(client, freezeName);
  await client.delete(`/v1/freezes/${encodeURIComponent(id)}${queryOf({ reason })}`);
  context.out(`${id} is lifted`);
}

type OverrideOptions = { reason: string; expiresAt?: string; minutes?: number; uses?: number; version?: string };

async function override(context: CommandContext, freezeName: string, options: OverrideOptions): Promise<void> {
  const { reason, minutes, uses, version } = options;
  if ((options.expiresAt === undefined) === (minutes === undefined))
    throw new UsageError('specify either --minutes or --expires-at');
  const expires_at = options.expiresAt ?? new Date(Date.now() + (minutes ?? 0) * 60_000).toISOString();
  const body = { reason, expires_at, uses, version };
  const client = await Client.of(context);
  const id = await freezeNamed(client, freezeName);
  const created = await client.create(`/v1/freezes/${encodeURIComponent(id)}/overrides`, body, NewOverride);
  context.out(created.id);
  for (const warning of created.warnings) context.err(oneLine(`warning: ${warning}`));
  if (created.needs_approval) context.err(`another person must approve: firebreak freeze approve ${id} ${created.id}`);
}

async function approve(context: CommandContext, freezeName: string, overrideId: string): Promise<void> {
  const client = await Client.of(context);
  const id = await freezeNamed(client, freezeName);
  const path = `/v1/freezes/${encodeURIComponent(id)}/overrides/${encodeURIComponent(overrideId)}/approve`;
  const { approved_by } = await client.post(path, {}, Approved);
  context.out(`${overrideId} is approved by ${approved_by ?? 'an unknown user'}`);
}

async function printKeys(context: CommandContext, { json }: { json?: true }): Promise<void> {
  const jwks = await (await Client.of(context)).get('/.well-known/jwks.json', z.unknown());
  const thumbprints = [...thumbprintsOf(publicKeysIn(jwks))];
  if (thumbprints.length === 0)
    throw new CommandFailure('this Firebreak has no signing key: see docs/how-to/freeze-check.md');
  context.out(json ? asJson(jwks) : thumbprints.join(','));
}

async function explain(context: CommandContext, id: string, { json }: { json?: true }): Promise<void> {
  const decision = await (
    await Client.of(context)
  ).get(`/v1/freeze-decisions/${encodeURIComponent(id)}`, FreezeDecisionView);
  const again = decide(decision.inputs as CheckInputs);
  const same = canonicalJson(again) === canonicalJson(decision.verdict);
  if (json) context.out(asJson({ ...decision, again, same }));
  else {
    const { request, verdict } = decision;
    const what = `${request.change} of ${request.version ?? 'an unspecified version'}`;
    context.out(`${what} to ${request.service} in ${request.environment}: ${verdict.verdict}`);
    context.out(
      `checked ${decision.count} ${decision.count === 1 ? 'time' : 'times'}, first ${shortTime(decision.at)} UTC by ${decision.by}, last ${shortTime(decision.last_at)} UTC`,
    );
    for (const { code, text } of verdict.reasons) context.out(oneLine(`  ${code}: ${text}`));
    context.out(oneLine(`  inputs: ${inputsText(decision.inputs as CheckInputs)}`));
    context.out(`evaluated again from its inputs: ${same ? 'same verdict' : 'DIFFERENT VERDICT'}`);
  }
  if (!same) throw new CommandFailure(`${id} has a different verdict now: ${canonicalJson(again)}`);
}

function inputsText({ own, calendar, incidents, pins, objectives, evaluatedAt }: CheckInputs): string {
  return [
    counted(own.freezes.length, 'freeze'),
    counted(calendar.length, 'calendar entry', 'calendar entries'),
    counted(incidents.length, 'open incident'),
    counted(pins.length, 'pinned version'),
    counted(objectives, 'objective'),
    evaluatedAt === null ? 'never evaluated' : `evaluated at ${shortTime(evaluatedAt)} UTC`,
  ].join(', ');
}
