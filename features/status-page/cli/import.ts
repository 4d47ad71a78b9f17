import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { BadCsv, componentsOfCsv, subscribersOfCsv } from '../decisions/import/csv.ts';
import { type ImportPlan, planStatuspageImport } from '../decisions/import/statuspage.ts';
import { VARIABLES } from '../../../schemas/config/variables.ts';
import { MAIN_PAGE } from '../schemas/status-page-file.ts';
import { IMPORT_MAX, type ImportOutcome, ImportResult } from '../schemas/subscriber-import.ts';
import { Client, ErrorResponse } from '../../../entrances/cli/client.ts';
import { CommandFailure, type CommandContext, UsageError } from '../../../entrances/cli/command-context.ts';
import { readInputText } from '../../../entrances/cli/input-file.ts';
import { exportStatuspage, type StatuspageExport } from '../vendors/statuspage/export.ts';
import { timestamp } from '../../../schemas/time/time.ts';

type Options = { components?: string; subscribers?: string; confirmed?: true; page: string; apply?: true };

/** Maximum number of addresses that are printed for each reason. */
const ADDRESSES_SHOWN = 20;

/** Milliseconds, slightly more than Statuspage's limit of one call per second needs. */
const PAUSE_MS = 1100;

/** Adds the import of data from other systems. */
export function addImport(program: Command, context: CommandContext): void {
  program
    .command('import')
    .description('Import data from other systems')
    .command('statuspage')
    .description(
      'Import components and confirmed email subscribers from Atlassian Statuspage; prints the plan, and changes nothing without --apply',
    )
    .option('--components <file>', 'CSV file with components (default: read from the API of Statuspage)')
    .option('--subscribers <file>', 'CSV file with subscribers (default: read from the API of Statuspage)')
    .option('--confirmed', 'State that all subscribers of a CSV file without a state are confirmed')
    .option('--page <name>', 'Status page of Firebreak', MAIN_PAGE)
    .option('--apply', 'Store the subscribers')
    .action((options: Options) => importStatuspage(context, options));
}

async function importStatuspage(context: CommandContext, options: Options): Promise<void> {
  const source = await readSource(context, options);
  const plan = planStatuspageImport(source.components, source.subscribers);
  if (plan.components.length > 0) context.out(configText(plan, options.page));
  for (const [reason, addresses] of plan.skipped) context.err(skippedLine(reason, addresses));
  if (plan.subscribers.length === 0) return context.out('# Subscribers: none to import');
  const outcomes = await importSubscribers(context, plan, options);
  const label = options.apply ? 'Subscribers' : 'Subscribers, with --apply';
  context.out(`# ${label}: ${outcomeText(outcomes)}`);
  if (!options.apply)
    context.out('# Nothing was changed. To store the subscribers, run the same command with --apply.');
}

/** Reads files, if any is given, else the API. */
async function readSource(context: CommandContext, options: Options): Promise<StatuspageExport> {
  if (options.components === undefined && options.subscribers === undefined) return readFromApi(context);
  const { confirmed = false } = options;
  return {
    components: await readCsv(context, options.components, componentsOfCsv),
    subscribers: await readCsv(context, options.subscribers, (text) => subscribersOfCsv(text, { confirmed })),
  };
}

async function readCsv<T>(
  context: CommandContext,
  file: string | undefined,
  parse: (text: string) => T[],
): Promise<T[]> {
  if (file === undefined) return [];
  const text = await readInputText(context, file);
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof BadCsv) throw new CommandFailure(`${file}:${error.line}: ${error.message}`);
    throw error;
  }
}

async function readFromApi({ env, err }: CommandContext): Promise<StatuspageExport> {
  const [key, page] = [env['STATUSPAGE_API_KEY'], env['STATUSPAGE_PAGE_ID']];
  if (!key || !page)
    throw new UsageError(
      'no source: set STATUSPAGE_API_KEY and STATUSPAGE_PAGE_ID, or name files with --components and --subscribers',
    );
  err('Reading from Statuspage…');
  const apiUrl = env['STATUSPAGE_API_URL'] || VARIABLES.STATUSPAGE_API_URL.standard;
  const response = await exportStatuspage(
    {
      apiUrl: async () => apiUrl,
      apiKey: async () => key,
      pageId: async () => page,
      clock: { now: () => timestamp(Date.now()) },
    },
    () => sleep(PAUSE_MS),
  );
  if (response.kind === 'done') return response.value;
  throw new CommandFailure(`cannot read from Statuspage: ${response.detail}`);
}

/** Returns the lines for `status-page.yaml`. */
const configText = ({ components, subscribers }: ImportPlan, page: string): string => {
  const settings = {
    components: components.map((component) =>
      component.group === undefined && component.description === undefined ? component.name : component,
    ),
    ...(subscribers.length > 0 && { subscriptions: ['email'] }),
  };
  return `# Add to status-page.yaml:\n${stringify({ pages: { [page]: settings } }, { lineWidth: 0 }).trimEnd()}`;
};

function skippedLine(reason: string, addresses: readonly string[]): string {
  const more = addresses.length > ADDRESSES_SHOWN ? `, and ${addresses.length - ADDRESSES_SHOWN} more` : '';
  return `not imported, ${reason}: ${addresses.slice(0, ADDRESSES_SHOWN).join(', ')}${more}`;
}

async function importSubscribers(
  context: CommandContext,
  { subscribers }: ImportPlan,
  { page, apply }: Options,
): Promise<ImportOutcome[]> {
  const client = await Client.of(context);
  const outcomes: ImportOutcome[] = [];
  for (let from = 0; from < subscribers.length; from += IMPORT_MAX) {
    const body = { dry_run: apply !== true, subscribers: subscribers.slice(from, from + IMPORT_MAX) };
    try {
      const path = `/v1/status-pages/${encodeURIComponent(page)}/subscribers/import`;
      outcomes.push(...(await client.post(path, body, ImportResult)).outcomes);
    } catch (error) {
      if (error instanceof ErrorResponse && (error.code === 'unknown-page' || error.code === 'invalid'))
        throw new CommandFailure(
          `${error.message}. Add the page with "subscriptions: [email]" to status-page.yaml, then run this command again`,
        );
      throw error;
    }
  }
  return outcomes;
}

const OUTCOME_TEXT: Readonly<Record<ImportOutcome, string>> = {
  imported: 'imported as confirmed',
  confirmed: 'confirmed, which were pending',
  known: 'already subscribed',
  left: 'unsubscribed from Firebreak, and not imported again',
  no_component: 'without a component that the page has',
};

const outcomeText = (outcomes: readonly ImportOutcome[]): string =>
  [...Map.groupBy(outcomes, (outcome) => outcome)]
    .map(([outcome, all]) => `${all.length} ${OUTCOME_TEXT[outcome]}`)
    .join(', ');
