import { STATE_WORDS } from '../decisions/words.ts';
import { type Command, Option } from 'commander';
import { PostmortemState, PostmortemView } from '../schemas/postmortem.ts';
import { Proposal } from '../schemas/proposal.ts';
import type { PostmortemFile } from '../schemas/publishing.ts';
import { Client } from '../../../entrances/cli/client.ts';
import { type CommandContext, UsageError } from '../../../entrances/cli/command-context.ts';
import { INCIDENT, incidentNamed, pathOf } from '../../../entrances/cli/incident-named.ts';
import { readInputText } from '../../../entrances/cli/input-file.ts';
import { JSON_OPTION } from '../../../entrances/cli/options.ts';
import { asJson, oneLine } from '../../../entrances/cli/table.ts';

type Options = {
  file?: string;
  state?: string;
  revision?: string;
  json?: true;
  propose?: true;
};

/** Adds the command that prints, saves, and publishes the post-mortem of an incident. */
export function addPostmortem(incident: Command, context: CommandContext): void {
  incident
    .command('postmortem')
    .description('Print the post-mortem of an incident as Markdown, save a file as its text, or change its state')
    .argument(...INCIDENT)
    .option('--file <path>', 'Save this file as the text')
    .addOption(new Option('--state <state>', 'Change the state').choices(PostmortemState.options))
    .option('--revision <number>', 'Save only if this is the current revision')
    .option('--propose', 'Send the redacted timeline to the configured model, and print the wording that it proposes')
    .option(...JSON_OPTION)
    .action((name: string, options: Options) => postmortem(context, name, options));
}

async function postmortem(
  context: CommandContext,
  name: string,
  { file, state, revision, json, propose }: Options,
): Promise<void> {
  if (revision !== undefined && !/^\d{1,9}$/.test(revision))
    throw new UsageError(`--revision: ${revision} is not a revision number, such as 3`);
  const client = await Client.of(context);
  const { id } = await incidentNamed(client, name);
  const path = `${pathOf(id)}/postmortem`;
  if (propose) {
    if (file !== undefined || state !== undefined)
      throw new UsageError('--propose saves nothing, so it cannot be combined with --file or --state');
    return printProposal(context, client, path, json);
  }
  if (file === undefined && state === undefined) {
    const view = await client.get(path, PostmortemView);
    context.out(json ? asJson(view) : view.markdown.replace(/\n$/, ''));
    if (!json && view.file !== null) context.err(oneLine(fileText(view.file)));
    return;
  }
  const saved = await client.put(
    path,
    {
      ...(file !== undefined && { markdown: await readInputText(context, file) }),
      ...(state !== undefined && { state }),
      ...(revision !== undefined && { revision: Number(revision) }),
    },
    PostmortemView,
  );
  if (json) return context.out(asJson(saved));
  context.out(oneLine(`saved revision ${saved.revision}, ${STATE_WORDS[saved.state]}: ${saved.title}`));
  if (saved.file !== null && saved.state === 'published') context.out(oneLine(fileText(saved.file)));
  for (const { line, text } of saved.findings) context.err(oneLine(`${file ?? 'postmortem'}:${line}: ${text}`));
}

async function printProposal(
  context: CommandContext,
  client: Client,
  path: string,
  json: true | undefined,
): Promise<void> {
  const proposal = await client.post(`${path}/proposal`, {}, Proposal);
  if (json) return context.out(asJson(proposal));
  for (const { heading, after } of proposal.sections) context.out(`## ${heading}\n\n${after}\n`);
  const dropped = proposal.dropped.map(({ because, count }) => `${count} ${because}`).join(', ');
  context.err(
    oneLine(
      `nothing is saved: ${proposal.sentences} sentences of ${proposal.model} at ${proposal.host}${dropped === '' ? '' : `; dropped: ${dropped}`}`,
    ),
  );
}

const fileText = ({ repository, path, revision, url, pull_request, problem }: PostmortemFile): string =>
  [
    `file ${path} in ${repository}: ${revision === null ? 'not published yet' : `revision ${revision}, ${pull_request ?? url ?? ''}`}`,
    ...(problem === null ? [] : [problem]),
  ].join('; ');
