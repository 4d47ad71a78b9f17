import { Argument, type Command } from 'commander';
import * as z from 'zod';
import { counted } from '../../../core/domain/reports/words.ts';
import { addApiCommands } from '../api-command.ts';
import { Client } from '../client.ts';
import { type CommandContext, CommandFailure, UsageError } from '../command-context.ts';
import { readInputText } from '../input-file.ts';
import { JSON_OPTION } from '../options.ts';
import { asJson } from '../table.ts';
import { Receipt } from './quarantine.ts';

const RECEIVERS = ['alertmanager', 'grafana', 'generic'] as const;

type Values = { receiver?: (typeof RECEIVERS)[number]; file?: string; json?: true };

/** Adds the command that sends alerts from a file, to try a configuration. */
export const addSend = (program: Command, context: CommandContext): void =>
  addApiCommands(program, context, [
    {
      usage: 'send',
      description: 'Send alerts from a file, as Alertmanager, Grafana, or another sender does; they count as real ones',
      args: [
        new Argument('<receiver>', 'Whose format the file has').choices(RECEIVERS),
        ['<file>', 'JSON, such as the body of a webhook; -: standard input'],
      ],
      options: [JSON_OPTION],
      run: send,
    },
  ]);

async function send(context: CommandContext, { receiver, file = '', json }: Values): Promise<void> {
  const text = await readInputText(context, file);
  const path = `/v1/alerts/${receiver}`;
  const receipt = await (await Client.of(context)).post(path, bodyIn(text, file), Receipt);
  if (json) context.out(asJson(receipt));
  else context.out(`${counted(receipt.accepted, 'alert')} accepted, receipt ${receipt.receipt}`);
  if (receipt.quarantined > 0)
    throw new CommandFailure(
      `${counted(receipt.quarantined, 'alert')} could not be read. For the reasons: firebreak quarantine list`,
    );
}

function bodyIn(text: string, file: string): object {
  try {
    return z.looseObject({}).parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'it must be an object';
    throw new UsageError(`${file} is not the JSON of a webhook: ${why}`);
  }
}
