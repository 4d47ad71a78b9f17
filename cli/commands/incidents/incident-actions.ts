import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { subjectOf } from '../../../domain/messages/incident-buttons.ts';
import { offerWords } from '../../../domain/rollback/offers.ts';
import { answerNames, isNamed } from '../../../domain/rollback/question-names.ts';
import { didYouMean } from '../../../domain/runbooks/similar-names.ts';
import { type DecisionView, IncidentView, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { Severity } from '../../../schemas/config/names.ts';
import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { Client } from '../../client.ts';
import { incidentNamed, pathOf, shortName } from '../../incident-named.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, oneLine } from '../../table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../command-context.ts';

type Common = { note?: string; json?: true };

const INCIDENT = ['<incident>', 'Channel (incident-2611201 or 2611201), id, or last characters of the id'] as const;
const NOTE = ['--note <text>', 'Reason, shown in the timeline'] as const;

const ROLE = `One of ${IncidentRole.options.join(', ')}`;
const PERSON = 'Name in people.yaml';

/** Adds the actions on an incident, the same as in its Slack channel. */
export function addIncidentActions(incident: Command, context: CommandContext): void {
  addDeclare(incident, context);
  addAction(incident, context, 'ack', 'Acknowledge an incident; PagerDuty stops escalating', {
    path: 'actions/acknowledge',
    done: () => 'acknowledged',
  });
  addAnswer(incident, context, 'approve', 'Approve a waiting question');
  addAnswer(incident, context, 'reject', 'Reject a waiting question');
  addRollback(incident, context);
  addAction(
    incident,
    context,
    'abort',
    'Cancel automated actions that have not started, and pause automation for this incident',
    {
      path: 'actions/abort',
      done: () => 'aborted; automation is paused for this incident',
    },
  );
  addAction(incident, context, 'pause', 'Pause automation for this incident', {
    path: 'actions/pause',
    done: () => 'automation is paused for this incident',
  });
  addAction(incident, context, 'resume', 'Resume automation for this incident', {
    path: 'actions/resume',
    done: () => 'automation is resumed for this incident',
  });
  addFlagOn(incident, context);
  addUpdate(incident, context);
  addNote(incident, context);
  addRoles(incident, context);
  addAction(incident, context, 'resolve', 'Resolve an incident', {
    path: 'actions/resolve',
    settled: ({ status }) => status === 'resolved',
    done: ({ status }) => (status === 'resolved' ? 'resolved' : 'resolve requested, not resolved yet'),
  });
  addAction(incident, context, 'mark-wrong', "Mark automation's actions for an incident as wrong", {
    path: 'actions/mark-wrong',
    done: () => 'marked as wrong',
  });
}

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

type IncidentAction = {
  path: string;
  /** Returns whether the action has taken effect. Absent: it takes effect at once. */
  settled?: (incident: IncidentView) => boolean;
  /** Returns the result in words. */
  done: (incident: IncidentView) => string;
};

const POLL_INTERVAL_MS = 250;
const SETTLE_MAX_MS = 30_000;

/** Waits until the incident's workflow has applied an action, at most 30 s. @returns the incident as last read */
async function settledView(
  client: Client,
  first: IncidentView,
  settled: IncidentAction['settled'],
): Promise<IncidentView> {
  let incident = first;
  for (const deadline = Date.now() + SETTLE_MAX_MS; settled?.(incident) === false && Date.now() < deadline;) {
    await sleep(POLL_INTERVAL_MS);
    incident = await client.get(pathOf(incident.id), IncidentView);
  }
  return incident;
}

/** Adds an action whose only option is a note. */
function addAction(
  incident: Command,
  context: CommandContext,
  verb: string,
  description: string,
  { path, settled, done }: IncidentAction,
): void {
  const command = incident
    .command(verb)
    .description(description)
    .argument(...INCIDENT);
  // An acknowledgement has no note.
  if (path !== 'actions/acknowledge') command.option(...NOTE);
  command.option(...JSON_OPTION).action(async (name: string, { note, json }: Common) => {
    const client = await Client.of(context);
    const before = await incidentNamed(client, name);
    const sent = await client.post(`${pathOf(before.id)}/${path}`, note === undefined ? {} : { note }, IncidentView);
    const after = await settledView(client, sent, settled);
    printResult(context, after, json, done(after));
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
  context.err(oneLine(`${subjectOf(question)}: ${question.reasons.map(({ text }) => text).join('; ')}`));
  const answer = await context.ask(`${verb === 'approve' ? 'Approve' : 'Reject'}? [y/N] `);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new CommandFailure('canceled');
  return { decision: question, digest: question.digest };
}

function outcomeOf({ state, approvals }: DecisionView, verb: 'approve' | 'reject'): string {
  if (verb === 'reject') return 'rejected';
  if (state !== 'waiting') return 'approved';
  return `${approvals.given.length} of ${approvals.needed} approvals; another person must also approve`;
}

function addRollback(incident: Command, context: CommandContext): void {
  incident
    .command('rollback')
    .description('Roll back the failing service')
    .argument(...INCIDENT)
    .option('--to <version>', 'Version to roll back to (default: the newest version known good)')
    .option(...NOTE)
    .option(...JSON_OPTION)
    .action(async (name: string, { to, note, json }: Common & { to?: string }) => {
      const client = await Client.of(context);
      const { id } = await incidentNamed(client, name);
      const body = { ...(to !== undefined && { version: to }), ...(note !== undefined && { note }) };
      const after = await client.post(`${pathOf(id)}/actions/rollback`, body, IncidentView);
      const where = to === undefined ? 'the newest version known good' : to;
      printResult(context, after, json, `rollback of ${after.service} in ${after.environment} to ${where} requested`);
    });
}

function addUpdate(incident: Command, context: CommandContext): void {
  incident
    .command('update')
    .description('Send an update to stakeholders')
    .argument(...INCIDENT)
    .argument('<text...>')
    .option('--publish', 'Also show the incident on the status page, in standard wording')
    .option(...JSON_OPTION)
    .action(async (name: string, words: string[], { publish, json }: { publish?: true; json?: true }) => {
      const client = await Client.of(context);
      const { id } = await incidentNamed(client, name);
      const body = { text: words.join(' '), publish: publish === true };
      printResult(
        context,
        await client.create(`${pathOf(id)}/updates`, body, IncidentView),
        json,
        'stakeholders notified',
      );
    });
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

function addRoles(incident: Command, context: CommandContext): void {
  incident
    .command('take')
    .description('Take a role')
    .argument(...INCIDENT)
    .argument('[role]', ROLE, roleOf, 'commander')
    .option(...JSON_OPTION)
    .action((name: string, role: IncidentRole, { json }: { json?: true }) =>
      changeRole(context, name, { do: 'take', role }, json),
    );
  incident
    .command('leave')
    .description('Leave a role')
    .argument(...INCIDENT)
    .argument('[role]', ROLE, roleOf, 'commander')
    .option(...JSON_OPTION)
    .action((name: string, role: IncidentRole, { json }: { json?: true }) =>
      changeRole(context, name, { do: 'leave', role }, json),
    );
  incident
    .command('assign')
    .description('Assign a role to a person')
    .argument(...INCIDENT)
    .argument('<role>', ROLE, roleOf)
    .argument('<person>', PERSON)
    .option(...JSON_OPTION)
    .action((name: string, role: IncidentRole, to: string, { json }: { json?: true }) =>
      changeRole(context, name, { do: 'assign', role, to }, json),
    );
  incident
    .command('handover')
    .description('Hand over command to another person')
    .argument(...INCIDENT)
    .argument('<person>', PERSON)
    .argument('[summary...]', 'Handoff notes (default: a summary of the incident)')
    .option(...JSON_OPTION)
    .action(async (name: string, to: string, summaryWords: string[], { json }: { json?: true }) => {
      const client = await Client.of(context);
      const { id } = await incidentNamed(client, name);
      const body = { to, ...(summaryWords.length > 0 && { brief: summaryWords.join(' ') }) };
      const after = await client.create(`${pathOf(id)}/actions/hand-over`, body, IncidentView);
      printResult(context, after, json, rolesOf(after));
    });
}

type RoleChange = { do: 'take' | 'leave'; role: IncidentRole } | { do: 'assign'; role: IncidentRole; to: string };

async function changeRole(
  context: CommandContext,
  name: string,
  change: RoleChange,
  json: true | undefined,
): Promise<void> {
  const client = await Client.of(context);
  const { id } = await incidentNamed(client, name);
  const after = await client.post(`${pathOf(id)}/roles`, change, IncidentView);
  printResult(context, after, json, rolesOf(after));
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
