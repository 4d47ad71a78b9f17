import type { Command } from 'commander';
import { TeamDigest } from '../../../schemas/reports/team-digest.ts';
import { Client, queryOf } from '../../client.ts';
import type { CommandContext } from '../../command-context.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson } from '../../table.ts';

/** Adds the command that prints the weekly digest. */
export function addDigest(program: Command, context: CommandContext): void {
  program
    .command('digest')
    .description(
      'Print the digest of the last seven days as Markdown: incidents, budgets, delivery, toil, action items',
    )
    .option('--team <name>', 'Only services of this team')
    .option(...JSON_OPTION)
    .action(async ({ json, ...query }: { team?: string; json?: true }) => {
      const client = await Client.of(context);
      if (json) return context.out(asJson(await client.get(`/v1/reports/digest${queryOf(query)}`, TeamDigest)));
      context.out((await client.text(`/v1/reports/digest${queryOf({ ...query, format: 'markdown' })}`)).trimEnd());
    });
}
