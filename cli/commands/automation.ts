import type { Command } from 'commander';
import { didYouMean } from '../../domain/runbooks/similar-names.ts';
import { Automation, type AutomationInput } from '../../schemas/access/access.ts';
import { Mode } from '../../schemas/config/names.ts';
import { Client } from '../client.ts';
import { JSON_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime } from '../table.ts';
import { UsageError, type CommandContext } from '../command-context.ts';

type SwitchOptions = { reason?: string; json?: true };
type ModeOptions = { service?: string; environment?: string; json?: true };

/** The argument of `automation mode` that removes a cap. */
const NO_CAP = 'none';

/** Adds the commands for the kill switch and the modes. */
export function addAutomation(program: Command, context: CommandContext): void {
  program
    .command('pause')
    .description('Pause all automation for every service; paging continues')
    .option('--reason <text>', 'Reason, shown to others')
    .option(...JSON_OPTION)
    .action((options: SwitchOptions) => set(context, { paused: true, reason: options.reason ?? null }, options));
  program
    .command('resume')
    .description('Resume automation')
    .option('--reason <text>', 'Reason, shown to others')
    .option(...JSON_OPTION)
    .action((options: SwitchOptions) => set(context, { paused: false, reason: options.reason ?? null }, options));
  const automation = program
    .command('automation')
    .description('Show and limit what automation may do without approval');
  automation
    .command('show')
    .description('Show the kill switch and the modes that cap those of the catalogue')
    .option(...JSON_OPTION)
    .action(async ({ json }: { json?: true }) => {
      show(context, await (await Client.of(context)).get('/v1/automation', Automation), json);
    });
  automation
    .command('mode')
    .description('Cap the mode globally, for a service, or for one environment of a service')
    .argument('<mode>', `One of ${Mode.options.join(', ')}; ${NO_CAP} removes the cap`)
    .option('--service <name>', 'Only this service')
    .option('--environment <name>', 'Only this environment of the service')
    .option(...JSON_OPTION)
    .action((text: string, options: ModeOptions) => set(context, capOf(modeOf(text), options), options));
}

function modeOf(text: string): Mode | null {
  if (text === NO_CAP) return null;
  const mode = Mode.safeParse(text);
  if (mode.success) return mode.data;
  const known = [...Mode.options, NO_CAP];
  const suggestion = didYouMean(text, known);
  throw new UsageError(
    `unknown mode ${JSON.stringify(text)}; use one of ${known.join(', ')}${suggestion === null ? '' : `; ${suggestion}`}`,
  );
}

function capOf(mode: Mode | null, { service, environment }: ModeOptions): AutomationInput {
  if (service === undefined && environment !== undefined) throw new UsageError('--environment requires --service');
  if (service === undefined) return { mode };
  return { services: { [service]: environment === undefined ? { mode } : { environments: { [environment]: mode } } } };
}

async function set(context: CommandContext, input: AutomationInput, { json }: { json?: true }): Promise<void> {
  show(context, await (await Client.of(context)).put('/v1/automation', input, Automation), json);
}

function show(context: CommandContext, automation: Automation, json: true | undefined): void {
  if (json) return context.out(asJson(automation));
  const { paused, reason, by, at, mode, services, demoted } = automation;
  const setBy = at === null ? '' : `, by ${by ?? 'an unknown user'} at ${shortTime(at)} UTC`;
  context.out(oneLine(`automation is ${paused ? 'paused' : 'on'}${setBy}${reason === null ? '' : `: ${reason}`}`));
  context.out(`global cap: ${mode ?? NO_CAP}`);
  for (const [name, caps] of Object.entries(services)) {
    const demotion = Object.hasOwn(demoted, name) ? ` (demoted: ${demoted[name]?.reason ?? ''})` : '';
    if (caps.mode !== null) context.out(oneLine(`cap for ${name}: ${caps.mode}${demotion}`));
    for (const [environment, cap] of Object.entries(caps.environments))
      context.out(oneLine(`cap for ${name}/${environment}: ${cap}`));
  }
}
