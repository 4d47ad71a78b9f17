import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { activeClearings } from '../../../../core/domain/changes/cleared-suspects.ts';
import { stillFiringText } from '../../../../core/domain/incidents/children.ts';
import { isSameVersion } from '../../../../core/domain/changes/version-identity.ts';
import { sameVersion } from '../../../../core/domain/changes/versions.ts';
import { decisionLines, linesOf, subjectOf } from '../../../../core/domain/messages/decision-lines.ts';
import { ROLE_NAMES } from '../../../../core/domain/messages/incident-card.ts';
import { offerWords } from '../../../../core/domain/rollback/offers.ts';
import { answerNames, isNamed } from '../../../../core/domain/rollback/question-names.ts';
import { nearest, suggestionText } from '../../../../schemas/parsing/similar-names.ts';
import { type DecisionView, IncidentView, TimelineEntry } from '../../../../schemas/incidents/incident.ts';
import { ChangeId, Severity } from '../../../../schemas/config/names.ts';
import { IncidentRole } from '../../../../schemas/people/response-roles.ts';
import { addApiCommands, type ApiCommand, apiCommand, type Values } from '../../api-command.ts';
import { Client } from '../../client.ts';
import { INCIDENT, incidentNamed, pathOf, shortName } from '../../incident-named.ts';
import { choice, JSON_OPTION, required } from '../../options.ts';
import { asJson, oneLine } from '../../table.ts';
import { confirm, UsageError, CommandFailure, type CommandContext } from '../../command-context.ts';

type Answer = { incident: string; question?: string; note?: string; json?: true };

const NOTE = ['--note <text>', 'Reason, shown in the timeline'] as const;
const PERSON = ['<person>', 'Name in people.yaml'] as const;

const SEVERITY = 'Severity; names such as SEV1 and P2, and those of routes.yaml, are accepted too';

const ROLE = `One of ${IncidentRole.options.join(', ')}`;
/** A role, commander if it is absent. */
const roleArgument = (): Argument => new Argument('[role]', ROLE).argParser(roleOf).default('commander');

/**
 * Returns a command that acts on an incident, and prints its name with the result in words.
 *
 * @param path below that of the incident; empty: the incident itself
 */
const action = (
  usage: string,
  description: string,
  path: string,
  { args = [], options = [NOTE], method = 'POST', resolve = {}, done, ...others }: ActionDetails,
): ApiCommand =>
  apiCommand({
    usage,
    description,
    args: [INCIDENT, ...args],
    options: [...options, JSON_OPTION],
    resolve: { incident: async (client, name) => (await incidentNamed(client, name)).id, ...resolve },
    call: `${method} /v1/incidents/:incident${path && `/${path}`}`,
    ...others,
    response: IncidentView,
    print: (incident, values) => [`${shortName(incident)}: ${done(incident, values)}`],
  });

type ActionDetails = Partial<Pick<ApiCommand, 'args' | 'options' | 'resolve'>> & {
  /** `CREATE` for what must not happen twice. */
  method?: 'POST' | 'CREATE' | 'PATCH';
  send?: (values: Values) => object;
  settle?: (client: Client, sent: IncidentView, values: Values) => Promise<IncidentView>;
  /** Returns the result in words. */
  done: (incident: IncidentView, values: Values) => string;
};

const wordsOf = (words: unknown): string => (words as readonly string[]).join(' ');

/** Returns the request for a change of roles, and its output. `person`: the new holder of the role. */
const roleChange = (change: 'take' | 'leave' | 'assign'): Pick<ActionDetails, 'options' | 'send' | 'done'> => ({
  options: [],
  send: ({ role: changed, person }) => ({ do: change, role: changed, to: person }),
  done: rolesOf,
});

/** Returns a command about one of these changes of an incident, which a person names by its version. */
const suspectAction = (usage: string, description: string, kind: SuspectKind, done: string): ApiCommand =>
  action(usage, description, `actions/${usage}`, {
    args: [['<version>', `Version of the ${kind}, or the id of its change`]],
    resolve: { version: (client, text, { incident }) => suspectNamed(client, kind, text, String(incident)) },
    send: ({ version, note }) => ({ change_id: version, note }),
    done: ({ status }) => (status === 'resolved' ? 'noted on the timeline only; the incident is resolved' : done),
  });

/** Returns a command that answers a waiting question. */
const answer = (verb: Verb, description: string): ApiCommand => ({
  usage: verb,
  description,
  args: [
    INCIDENT,
    ['[question]', 'Number from "incident show"; without it, the only one that waits, which a terminal confirms'],
  ],
  options: [NOTE, JSON_OPTION],
  run: (context, values: Answer) => answerQuestion(context, verb, values),
});

/** Adds the actions on an incident, the same as in its Slack channel. */
export function addIncidentActions(incident: Command, context: CommandContext): void {
  addApiCommands(incident, context, [
    apiCommand({
      usage: 'declare',
      description: 'Declare an incident',
      args: [
        ['[service]', 'Failing service; omit it if unknown'],
        ['[environment]', "Environment (default: the service's default)"],
      ],
      options: [
        required('--title <text>', 'Summary of the problem'),
        choice('--severity <severity>', SEVERITY, Severity.options).argParser(asEntered).default('critical'),
        JSON_OPTION,
      ],
      call: 'CREATE /v1/incidents',
      response: IncidentView,
      print: (opened, { title }) => [
        `${shortName(opened)}: ${opened.title === title ? `declared, ${opened.severity}` : `already open: ${opened.title}`}, ${opened.service} in ${opened.environment}`,
      ],
    }),
    action('ack', 'Acknowledge an incident; PagerDuty stops escalating', 'actions/acknowledge', {
      options: [], // an acknowledgement has no note
      done: () => 'acknowledged',
    }),
    action('severity', 'Set or confirm the severity', '', {
      args: [new Argument('<severity>', SEVERITY).choices(Severity.options).argParser(asEntered)],
      options: [],
      method: 'PATCH',
      done: ({ severity }) => `severity ${severity}`,
    }),
    answer('approve', 'Approve a waiting question'),
    answer('reject', 'Reject a waiting question'),
    {
      usage: 'rollback',
      description: 'Roll back the failing service',
      args: [INCIDENT],
      options: [
        ['--to <version>', 'Version to roll back to (default: the newest version known good)'],
        NOTE,
        JSON_OPTION,
      ],
      run: requestRollback,
    },
    action(
      'abort',
      'Cancel automated actions that have not started, and pause automation for this incident',
      'actions/abort',
      { done: () => 'aborted; automation is paused for this incident' },
    ),
    action('look', 'Test the versions of the waiting question before anyone approves', 'actions/look', {
      options: [],
      send: () => ({}),
      done: () => 'test requested; the timeline shows its result',
    }),
    suspectAction('clear-suspect', 'Clear a version that did not cause the incident', 'suspect', 'suspect cleared'),
    suspectAction('suspect-again', 'Suspect a cleared version again', 'cleared suspect', 'suspected again'),
    action('pause', 'Pause automation for this incident', 'actions/pause', {
      done: () => 'automation is paused for this incident',
    }),
    action('resume', 'Resume automation for this incident', 'actions/resume', {
      done: () => 'automation is resumed for this incident',
    }),
    action('flag-on', 'Turn on a feature flag again that Firebreak has turned off', 'actions/turn-flag-on', {
      args: [['<flag>', 'Key of the flag']],
      settle: (client, sent, { flag }) => settledView(client, sent, (now) => flagState(now, flag) !== 'intended'),
      done: (now, { flag }) =>
        flagState(now, flag) === 'succeeded' ? `feature flag ${String(flag)} is on again` : 'requested, not on yet',
    }),
    action('update', 'Send an update to stakeholders', 'updates', {
      args: [['<text...>']],
      options: [
        ['--next <minutes>', 'When the next update follows, which stakeholders read'],
        ['--publish', 'Also show the incident on the status page, in standard wording'],
      ],
      method: 'CREATE',
      send: ({ text, next, publish }) => ({
        text: wordsOf(text),
        publish: publish === true,
        ...(next !== undefined && { next_minutes: Number(next) }),
      }),
      done: () => 'update recorded; Firebreak notifies the stakeholders of this incident that response.yaml lists',
    }),
    action('publish', 'Approve showing the incident on the status page', 'actions/publish', {
      done: () => 'publication on the status page approved',
    }),
    {
      usage: 'note',
      description: 'Add a note to the timeline',
      args: [INCIDENT, ['<text...>']],
      options: [JSON_OPTION],
      run: addNote,
    },
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
    action('resolve', 'Resolve an incident', 'actions/resolve', {
      settle: (client, sent) => settledView(client, sent, isResolved),
      done: (now) =>
        [isResolved(now) ? 'resolved' : 'resolve requested, not resolved yet', stillFiringText(now.firing)]
          .filter((text) => text !== null)
          .join('. '),
    }),
    action('reopen', 'Reopen a resolved incident', 'actions/reopen', { done: () => 'reopened' }),
    action('mark-wrong', "Mark automation's actions for an incident as wrong", 'actions/mark-wrong', {
      done: () => 'marked as wrong',
    }),
  ]);
}

type SuspectKind = 'suspect' | 'cleared suspect';

/**
 * Returns the ID of the change that an incident has with this version.
 *
 * @throws CommandFailure if it has none; UsageError if it has several
 */
async function suspectNamed(client: Client, kind: SuspectKind, text: string, id: string): Promise<string> {
  if (ChangeId.safeParse(text).success) return text;
  const incident = await client.get(pathOf(id), IncidentView);
  const all = kind === 'suspect' ? incident.suspects : activeClearings(incident.cleared);
  const exact = all.filter(({ version }) => version === text);
  const isNamedSo = ({ version }: { version: string }): boolean =>
    sameVersion(version, text) || isSameVersion({ version }, { version: text });
  const [found, ...others] = exact.length > 0 ? exact : all.filter(isNamedSo);
  if (others.length > 0 && found !== undefined)
    throw new UsageError(
      [
        `${JSON.stringify(text)} matches several changes; name one by its id:`,
        ...[found, ...others].map(({ change_id }) => `  ${change_id}`),
      ].join('\n'),
    );
  if (found !== undefined) return found.change_id;
  const versions = all.map(({ version }) => version);
  throw new CommandFailure(
    `${shortName(incident)} has no ${kind} ${JSON.stringify(text)}${versions.length === 0 ? '' : `, only ${versions.join(', ')}`}`,
  );
}

type RollbackRequest = { incident: string; to?: string; note?: string; json?: true };

/** Requests a rollback, and waits until it begins, is approved, or asks. */
async function requestRollback(context: CommandContext, { incident, to, note, json }: RollbackRequest): Promise<void> {
  const client = await Client.of(context);
  const before = await incidentNamed(client, incident);
  const last = newestOfRollback(before);
  const isApproved = ({ decisions }: IncidentView): boolean =>
    last?.state === 'waiting' && decisions.some(({ id, state }) => id === last.id && state === 'approved');
  const sent = await client.post(`${pathOf(before.id)}/actions/rollback`, { version: to, note }, IncidentView);
  const now = await settledView(client, sent, (one) => {
    const newest = newestOfRollback(one);
    const isDecided = newest?.id !== newestOfRollback(sent)?.id || newest?.state === 'waiting' || isApproved(one);
    return isDecided || one.status === 'mitigating' || one.status !== before.status;
  });
  const { service, environment } = now;
  const requested = `rollback of ${service} in ${environment} to ${to ?? 'the newest version known good'} requested`;
  const newest = newestOfRollback(now);
  const waits =
    newest?.state === 'waiting' &&
    `; it waits for approval (firebreak incident approve ${shortName(now)}): ${newest.reasons[0]?.text ?? newest.because}`;
  const text = `${requested}${waits || (isApproved(now) ? ' and approved' : '')}`;
  context.out(json ? asJson(now) : oneLine(`${shortName(now)}: ${text}`));
}

/** Returns the newest decision about a rollback of the incident's service. Those of runbooks are listed last. */
const newestOfRollback = ({ decisions, service, environment }: IncidentView): DecisionView | undefined =>
  decisions
    .filter(
      ({ question, target }) =>
        question === undefined &&
        (target === null || (target.service === service && target.environment === environment)),
    )
    .toSorted((one, other) => (one.at < other.at ? -1 : 1))
    .at(-1);

const isResolved = ({ status }: IncidentView): boolean => status === 'resolved';

/** Returns the state of the newest request to turn a flag on. @throws CommandFailure if it failed */
function flagState({ effects }: IncidentView, name: unknown): 'intended' | 'succeeded' | undefined {
  const requests = effects.filter(({ flag }) => flag?.name === name && flag?.on);
  const newest = requests.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1);
  if (newest === undefined) return undefined;
  const { state, detail } = newest;
  if (state === 'intended' || state === 'succeeded') return state;
  throw new CommandFailure(detail);
}

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

type Verb = 'approve' | 'reject';

async function answerQuestion(
  context: CommandContext,
  verb: Verb,
  { incident, question, note, json }: Answer,
): Promise<void> {
  const client = await Client.of(context);
  const found = await incidentNamed(client, incident);
  const { decision, digest } =
    question === undefined ? await onlyQuestion(context, found, verb) : questionOf(found, question);
  // Firebreak compares the digest and refuses an answer to a superseded question.
  const after = await client.post(`${pathOf(found.id)}/actions/${verb}`, { digest, note }, IncidentView);
  const now = after.decisions.find(({ id }) => id === decision.id) ?? decision;
  const isRepeated = decision.state === 'approved' || decision.state === 'rejected';
  const outcome = isRepeated ? `already ${outcomeOf(now, verb)}, nothing has changed` : outcomeOf(now, verb);
  const text = `${outcome}: ${subjectOf(verb === 'approve' ? now : decision)}`;
  context.out(json ? asJson(after) : oneLine(`${shortName(after)}: ${text}`));
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

/** Returns the only waiting question, which a person at a terminal has confirmed. */
async function onlyQuestion(context: CommandContext, incident: IncidentView, verb: Verb): Promise<Answerable> {
  const waiting = waitingOf(incident);
  const [question, ...others] = waiting;
  if (question === undefined) throw new CommandFailure(`${shortName(incident)}: no question is waiting`);
  const hasSeveralOffers = verb === 'approve' && answerNames(question).some(({ offer }) => offer !== undefined);
  if (others.length > 0 || hasSeveralOffers)
    throw new UsageError(
      [`specify a question: firebreak incident ${verb} ${shortName(incident)} NUMBER`, ...questionLines(waiting)].join(
        '\n',
      ),
    );
  for (const line of linesOf(decisionLines(question, incident))) context.err(oneLine(line));
  if (context.ask !== undefined) await confirm(context.ask, verb === 'approve' ? 'Approve?' : 'Reject?');
  return { decision: question, digest: question.digest };
}

function outcomeOf({ state, approvals }: DecisionView, verb: Verb): string {
  if (verb === 'reject') return 'rejected';
  if (state !== 'waiting') return 'approved';
  return `${approvals.given.length} of ${approvals.needed} approvals; another person must also approve`;
}

type Note = { incident: string; text: string[]; json?: true };

async function addNote(context: CommandContext, { incident, text, json }: Note): Promise<void> {
  const client = await Client.of(context);
  const found = await incidentNamed(client, incident);
  const entry = await client.create(`${pathOf(found.id)}/timeline`, { text: wordsOf(text) }, TimelineEntry);
  context.out(json ? asJson(entry) : `${shortName(found)}: note added`);
}

/** Returns, for example, `Commander: Ada, Scribe: Ben`. */
export const rolesOf = ({ roles }: Pick<IncidentView, 'roles'>): string =>
  IncidentRole.options
    .filter((role) => role === 'commander' || roles[role] !== undefined)
    .map((role) => `${ROLE_NAMES[role]}: ${roles[role] ?? 'unassigned'}`)
    .join(', ');

/** The choices are those of the completion. The server knows more. */
const asEntered = (text: string): string => text;

function roleOf(text: string): IncidentRole {
  const role = IncidentRole.safeParse(text.toLowerCase());
  if (role.success) return role.data;
  throw new InvalidArgumentError(
    `use ${IncidentRole.options.join(', ')}${suggestionText(nearest(text, IncidentRole.options))}`,
  );
}
