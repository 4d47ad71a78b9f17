import { automationText, limitInput } from '../../../core/domain/automation/automation.ts';
import type { Command } from 'commander';
import { nearest, suggestionText } from '../../../schemas/parsing/similar-names.ts';
import { Automation, type AutomationInput } from '../../../schemas/access/access.ts';
import { Mode } from '../../../schemas/config/names.ts';
import { addApiCommands, type ApiCommand, apiCommand, apiGroup } from '../api-command.ts';
import { UsageError, type CommandContext } from '../command-context.ts';
import { JSON_OPTION } from '../options.ts';
import { shortTime } from '../table.ts';

/** The argument of `automation mode` that removes a cap. */
const NO_CAP = 'none';

const PRINTED = { response: Automation, print: linesOf };

const killSwitch = (usage: string, description: string, paused: boolean): ApiCommand =>
  apiCommand({
    usage,
    description,
    options: [['--reason <text>', 'Reason, shown to others'], JSON_OPTION],
    call: 'PUT /v1/automation',
    send: ({ reason = null }) => ({ paused, reason }),
    ...PRINTED,
  });

const addModes = apiGroup('automation', 'Show and limit what automation may do without approval', [
  apiCommand({
    usage: 'show',
    description: 'Show the kill switch and the modes that cap those of the catalogue',
    options: [JSON_OPTION],
    call: 'GET /v1/automation',
    ...PRINTED,
  }),
  apiCommand({
    usage: 'mode',
    description: 'Cap the mode globally, for a service, or for one environment of a service',
    args: [['<mode>', `One of ${Mode.options.join(', ')}; ${NO_CAP} removes the cap`]],
    options: [
      ['--service <name>', 'Only this service'],
      ['--environment <name>', 'Only this environment of the service'],
      JSON_OPTION,
    ],
    call: 'PUT /v1/automation',
    send: capOf,
    ...PRINTED,
  }),
]);

/** Adds the commands for the kill switch and the modes. */
export function addAutomation(program: Command, context: CommandContext): void {
  addApiCommands(program, context, [
    killSwitch('pause', 'Pause all automation for every service; paging continues', true),
    killSwitch('resume', 'Resume automation', false),
  ]);
  addModes(program, context);
}

function modeOf(text: string): Mode | null {
  if (text === NO_CAP) return null;
  const mode = Mode.safeParse(text);
  if (mode.success) return mode.data;
  const known = [...Mode.options, NO_CAP];
  throw new UsageError(
    `unknown mode ${JSON.stringify(text)}; use one of ${known.join(', ')}${suggestionText(nearest(text, known))}`,
  );
}

type Cap = { mode: string; service?: string; environment?: string };

function capOf({ mode: text, service, environment }: Cap): AutomationInput {
  const mode = modeOf(text);
  if (service === undefined && environment !== undefined) throw new UsageError('--environment requires --service');
  return limitInput({ service, environment }, mode);
}

function linesOf(automation: Automation): string[] {
  const { at, mode, services, demoted } = automation;
  const demotion = (name: string): string =>
    Object.hasOwn(demoted, name) ? ` (demoted: ${demoted[name]?.reason ?? ''})` : '';
  return [
    `${automationText(automation)}${at === null ? '' : ` (since ${shortTime(at)} UTC)`}`,
    `global cap: ${mode ?? NO_CAP}`,
    ...Object.entries(services).flatMap(([name, caps]) => [
      ...(caps.mode === null ? [] : [`cap for ${name}: ${caps.mode}${demotion(name)}`]),
      ...Object.entries(caps.environments).map(([environment, cap]) => `cap for ${name}/${environment}: ${cap}`),
    ]),
  ];
}
