import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { decisionLines, linesOf, subjectOf } from '../../../domain/messages/decision-lines.ts';
import { offerWords } from '../../../domain/rollback/offers.ts';
import { answerNames, isNamed } from '../../../domain/rollback/question-names.ts';
import { didYouMean } from '../../../domain/runbooks/similar-names.ts';
import { type DecisionView, IncidentView, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { Severity } from '../../../schemas/config/names.ts';
import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { addApiCommands, type ApiCommand, apiCommand, type Values } from '../../api-command.ts';
import { Client } from '../../client.ts';
import { incidentNamed, pathOf, shortName } from '../../incident-named.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, oneLine } from '../../table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../command-context.ts';

type Common = { note?: string; json?: true };

const INCIDENT = ['<incident>', 'Channel (incident-2611201 or 2611201), id, or last characters of the id'] as const;
const NOTE = ['--note <text>', 'Reason, shown in the timeline'] as const;
const PERSON = ['<person>', 'Name in people.yaml'] as const;

const ROLE = `One of ${IncidentRole.options.join(', ')}`;
/** A role, commander if it is absent. */
const roleArgument = (): Argument => new Argument('[role]', ROLE).argParser(roleOf).default('commander');

/** Returns a command that acts on an incident, and prints its name with the result in words. */
const action = (
  usage: string,
  description: string,
  path: string,
  { args = [], options = [NOTE], method = 'POST', send, done }: ActionDetails,
): ApiCommand =>
  apiCommand({
    usage,
    description,
    args: [INCIDENT, ...args],
    options: [...options, JSON_OPTION],
    resolve: { incident: async (client, name) => (await incidentNamed(client, name)).id },
    call: `${method} /v1/incidents/:incident/${path}`,
    ...(send !== undefined && { send }),
    response: IncidentView,
    print: (incident, values) => [`${shortName(incident)}: ${done(incident, values)}`],
  });

type ActionDetails = Partial<Pick<ApiCommand, 'args' | 'options'>> & {
  /** `CREATE` for what must not happen twice. */
  method?: 'POST' | 'CREATE';
  send?: (values: Values) => object;
  /** Returns the result in words. */
  done: (incident: IncidentView, values: Values) => string;
};

/** Adds the actions on an incident, the same as in its Slack channel. */
export function addIncidentActions(incident: Command, context: CommandContext): void {
  addDeclare(incident, context);
  addApiCommands(incident, context, [
    action('ack', 'Acknowledge an incident; PagerDuty stops escalating', 'actions/acknowledge', {
      options: [], // an acknowledgement has no note
      done: () => 'acknowledged',
    }),
  ]);
  addAnswer(incident, context, 'approve', 'Approve a waiting question');
  addAnswer(incident, context, 'reject', 'Reject a waiting question');
  addApiCommands(incident, context, [
    action('rollback', 'Roll back the failing service', 'actions/rollback', {
      options: [['--to <version>', 'Version to roll back to (default: the newest version known good)'], NOTE],
      send: ({ to, note }) => ({ version: to, note }),
      done: ({ service, environment }, { to = 'the newest version known good' }) =>
        `rollback of ${service} in ${environment} to ${String(to)} requested`,
    }),
    action(
      'abort',
      'Cancel automated actions that have not started, and pause automation for this incident',
      'actions/abort',
      { done: () => 'aborted; automation is paused for this incident' },
    ),
    action('pause', 'Pause automation for this incident', 'actions/pause', {
      done: () => 'automation is paused for this incident',
    }),
    action('resume', 'Resume automation for this incident', 'actions/resume', {
      done: () => 'automation is resumed for this incident',
    }),
  ]);
  addFlagOn(incident, context);
  addApiCommands(incident, context, [
    action('update', 'Send an update to stakeholders', 'updates', {
      args: [['<text...>']],
      options: [['--publish', 'Also show the incident on the status page, in standard wording']],
      method: 'CREATE',
      send: ({ text, publish }) => ({ text: wordsOf(text), publish: publish === true }),
      done: () => 'stakeholders notified',
    }),
  ]);
  addNote(incident, context);
  addApiCommands(incident, context, [
    action('take', 'Take a role', 'roles', { ...roleChange('take'), args: [roleArgument()] }),
    action('leave', 'Leave a role', 'roles', { ...roleChange('leave'), args: [roleArgument()] }),
    action('assign', 'Assign a role to a person', 'roles', {
      ...roleChange('assign'),
      args: [['<role>', ROLE, roleOf], PERSON],
    }),
    action('handover', 'Hand over command to another person', 'actions/hand-over', {
      args: [PERSON, ['[summary...]', 'Handoff notes (default: a summary of the incident)']],
      options: [],
      method: 'CREATE',
      send: ({ person, summary }) => ({ to: person, brief: wordsOf(summary) || undefined }),
      done: rolesOf,
    }),
  ]);
  addResolve(incident, context);
  addApiCommands(incident, context, [
    action('mark-wrong', "Mark automation's actions for an incident as wrong", 'actions/mark-wrong', {
      done: () => 'marked as wrong',
    }),
  ]);
}

const wordsOf = (words: unknown): string => (words as readonly string[]).join(' ');

/** Returns the request for a change of roles, and its output. `person`: the new holder of the role. */
const roleChange = (change: 'take' | 'leave' | 'assign'): Pick<ActionDetails, 'options' | 'send' | 'done'> => ({
  options: [],
  send: ({ role: changed, person }) => ({ do: change, role: changed, to: person }),
  done: rolesOf,
});

function addFlagOn(incident: Command, context: CommandContext): void {
  incident
    .command('flag-on')
    .description('Turn on a feature flag again that Firebreak has turned off')
    .argument(...INCIDENT)
    .argument('<flag>', 'Key of the flag')
    .option(...NOTE)
    .option(...JSON_OPTION)
    .action(async (name: string, flag: string, { note, json }: Common) => {
      const client = await Client.of(context);
      const { id } = await incidentNamed(client, name);
      const isOver = ({ effects }: IncidentView): boolean => newestFlagRequest(effects, flag)?.state !== 'intended';
      const sent = await client.post(
        `${pathOf(id)}/actions/turn-flag-on`,
        { flag, ...(note !== undefined && { note }) },
        IncidentView,
      );
      const after = await settledView(client, sent, isOver);
      const result = newestFlagRequest(after.effects, flag);
      if (result !== undefined && result.state !== 'intended' && result.state !== 'succeeded')
        throw new CommandFailure(result.detail);
      printResult(
        context,
        after,
        json,
        result?.state === 'succeeded' ? `feature flag ${flag} is on again` : 'requested, not on yet',
      );
    });
}

const newestFlagRequest = (
  effects: IncidentView['effects'],
  name: string,
): IncidentView['effects'][number] | undefined =>
  effects
    .filter(({ flag }) => flag?.name === name && flag.on)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .at(-1);

const POLL_INTERVAL_MS = 250;
const SETTLE_MAX_MS = 30_000;

/** Waits until the incident's workflow has applied an action, at most 30 s. @returns the incident as last read */
async function settledView(
  client: Client,
  first: IncidentView,
  settled: (incident: IncidentView) => boolean,
): Promise<IncidentView> {
  let incident = first;
  for (const deadline = Date.now() + SETTLE_MAX_MS; !settled(incident) && Date.now() < deadline;) {
    await sleep(POLL_INTERVAL_MS);
    incident = await client.get(pathOf(incident.id), IncidentView);
  }
  return incident;
}

function addResolve(incident: Command, context: CommandContext): void {
  incident
    .command('resolve')
    .description('Resolve an incident')
    .argument(...INCIDENT)
    .option(...NOTE)
    .option(...JSON_OPTION)
    .action(async (name: string, { note, json }: Common) => {
      const client = await Client.of(context);
      const { id } = await incidentNamed(client, name);
      const isResolved = ({ status }: IncidentView): boolean => status === 'resolved';
      const sent = await client.post(`${pathOf(id)}/actions/resolve`, { note }, IncidentView);
      const after = await settledView(client, sent, isResolved);
      printResult(context, after, json, isResolved(after) ? 'resolved' : 'resolve requested, not resolved yet');
    });
}

function printResult(context: CommandContext, incident: IncidentView, json: true | undefined, text: string): void {
  context.out(json ? asJson(incident) : oneLine(`${shortName(incident)}: ${text}`));
}

type Declare = { title: string; severity: Severity; json?: true };

function addDeclare(incident: Command, context: CommandContext): void {
  incident
    .command('declare')
    .description('Declare an incident')
    .argument('[service]', 'Failing service; omit it if unknown')
    .argument('[environment]', "Environment (default: the service's default)")
    .requiredOption('--title <text>', 'Summary of the problem')
    .addOption(new Option('--severity <severity>', 'Severity').choices(Severity.options).default('critical'))
    .option(...JSON_OPTION)
    .action(async (service: string | undefined, environment: string | undefined, { json, ...body }: Declare) => {
      const client = await Client.of(context);
      const opened = await client.create('/v1/incidents', { service, environment, ...body }, IncidentView);
      const serviceInEnvironment = `${opened.service} in ${opened.environment}`;
      const text =
        opened.title === body.title
          ? `declared, ${opened.severity}, ${serviceInEnvironment}`
          : `already open: ${opened.title}, ${serviceInEnvironment}`;
      printResult(context, opened, json, text);
    });
}

function addAnswer(incident: Command, context: CommandContext, verb: 'approve' | 'reject', description: string): void {
  incident
    .command(verb)
    .description(description)
    .argument(...INCIDENT)
    .argument('[question]', 'Number from "incident show"; without it, the command prompts for confirmation')
    .option(...NOTE)
    .option(...JSON_OPTION)
    .action(async (name: string, question: string | undefined, { note, json }: Common) => {
      const client = await Client.of(context);
      const found = await incidentNamed(client, name);
      const { decision, digest } =
        question === undefined ? await confirmedQuestion(context, found, verb) : questionOf(found, question);
      // Firebreak compares the digest and refuses an answer to a superseded question.
      const answer = { digest, ...(note !== undefined && { note }) };
      const after = await client.post(`${pathOf(found.id)}/actions/${verb}`, answer, IncidentView);
      const now = after.decisions.find(({ id }) => id === decision.id) ?? decision;
      printResult(context, after, json, `${outcomeOf(now, verb)}: ${subjectOf(verb === 'approve' ? now : decision)}`);
    });
}

const waitingOf = ({ decisions }: IncidentView): DecisionView[] => decisions.filter(({ state }) => state === 'waiting');

const questionLines = (questions: readonly DecisionView[]): string[] =>
  questions.flatMap((question) =>
    answerNames(question).map(({ name, offer }) =>
      oneLine(`  ${name}  ${offer === undefined ? subjectOf(question) : offerWords(offer)}`),
    ),
  );

type Answerable = { decision: DecisionView; digest: string };

/** @throws CommandFailure if the incident has no decision of this name */
function questionOf(incident: IncidentView, text: string): Answerable {
  const questionName = text.replace(/^#/, '').toLowerCase();
  for (const decision of incident.decisions) {
    const named = answerNames(decision).find(({ name, digest }) => name === questionName || digest === questionName);
    if (named !== undefined) return { decision, digest: named.digest };
    if (isNamed(text, decision)) return { decision, digest: decision.digest };
  }
  const waiting = waitingOf(incident);
  throw new CommandFailure(
    [
      `${shortName(incident)} has no question ${JSON.stringify(text)}; ${waiting.length === 0 ? 'no question is waiting' : 'waiting:'}`,
      ...questionLines(waiting),
    ].join('\n'),
  );
}

/** Returns the only waiting question after the person at the terminal has confirmed it. */
async function confirmedQuestion(
  context: CommandContext,
  incident: IncidentView,
  verb: 'approve' | 'reject',
): Promise<Answerable> {
  const waiting = waitingOf(incident);
  const [question, ...others] = waiting;
  if (question === undefined) throw new CommandFailure(`${shortName(incident)}: no question is waiting`);
  const hasSeveralOffers = verb === 'approve' && answerNames(question).some(({ offer }) => offer !== undefined);
  if (others.length > 0 || hasSeveralOffers || context.ask === undefined)
    throw new UsageError(
      [`specify a question: firebreak incident ${verb} ${shortName(incident)} NUMBER`, ...questionLines(waiting)].join(
        '\n',
      ),
    );
  for (const line of linesOf(decisionLines(question, incident))) context.err(oneLine(line));
  const answer = await context.ask(`${verb === 'approve' ? 'Approve' : 'Reject'}? [y/N] `);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new CommandFailure('canceled');
  return { decision: question, digest: question.digest };
}

function outcomeOf({ state, approvals }: DecisionView, verb: 'approve' | 'reject'): string {
  if (verb === 'reject') return 'rejected';
  if (state !== 'waiting') return 'approved';
  return `${approvals.given.length} of ${approvals.needed} approvals; another person must also approve`;
}

function addNote(incident: Command, context: CommandContext): void {
  incident
    .command('note')
    .description('Add a note to the timeline')
    .argument(...INCIDENT)
    .argument('<text...>')
    .option(...JSON_OPTION)
    .action(async (name: string, words: string[], { json }: { json?: true }) => {
      const client = await Client.of(context);
      const found = await incidentNamed(client, name);
      const entry = await client.create(`${pathOf(found.id)}/timeline`, { text: words.join(' ') }, TimelineEntry);
      context.out(json ? asJson(entry) : `${shortName(found)}: note added`);
    });
}

/** Returns, for example, `commander Ada, scribe Ben`. */
export function rolesOf({ roles }: Pick<IncidentView, 'roles'>): string {
  const assigned = Object.entries(roles).map(([role, holder]) => `${role} ${holder}`);
  return assigned.length === 0 ? 'no roles assigned' : assigned.join(', ');
}

function roleOf(text: string): IncidentRole {
  const role = IncidentRole.safeParse(text.toLowerCase());
  if (role.success) return role.data;
  const suggestion = didYouMean(text, IncidentRole.options);
  throw new InvalidArgumentError(
    `use ${IncidentRole.options.join(', ')}${suggestion === null ? '' : `; ${suggestion}`}`,
  );
}
