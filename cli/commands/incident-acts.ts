import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { subjectOf } from '../../domain/incident-buttons.ts';
import { isNamed, questionName } from '../../domain/question-names.ts';
import { didYouMean } from '../../domain/runbooks/nearest.ts';
import { type DecisionView, IncidentView, TimelineEntry } from '../../schemas/incident.ts';
import { Severity } from '../../schemas/names.ts';
import { IncidentRole } from '../../schemas/response-roles.ts';
import { Client } from '../client.ts';
import { incidentNamed, pathOf, shortName } from '../incident-named.ts';
import { JSON_OPTION } from '../options.ts';
import { asJson, oneLine } from '../table.ts';
import { Misused, No, type World } from '../world.ts';

type Common = { note?: string; json?: true };

const INCIDENT = ['<incident>', 'channel (incident-2611201 or 2611201), id, or the last characters of the id'] as const;
const NOTE = ['--note <text>', 'a reason, for the timeline'] as const;

/** What a person does about an incident, as in its channel in Slack. */
export function addIncidentActs(incident: Command, world: World): void {
  addDeclare(incident, world);
  act(incident, world, 'ack', 'say that you are on it; the pager calls nobody else', {
    path: 'actions/acknowledge',
    done: () => 'acknowledged',
  });
  addAnswer(incident, world, 'approve', 'approve the question that waits');
  addAnswer(incident, world, 'reject', 'reject the question that waits');
  addRollback(incident, world);
  act(incident, world, 'abort', 'stop what automation has not begun, and pause it for this incident', {
    path: 'actions/abort',
    done: () => 'aborted; automation is paused for this incident',
  });
  act(incident, world, 'pause', 'pause automation for this incident', {
    path: 'actions/pause',
    done: () => 'automation is paused for this incident',
  });
  act(incident, world, 'resume', 'let automation act for this incident again', {
    path: 'actions/resume',
    done: () => 'automation may act for this incident again',
  });
  addUpdate(incident, world);
  addNote(incident, world);
  addRoles(incident, world);
  act(incident, world, 'resolve', 'say that it is over', {
    path: 'actions/resolve',
    settled: ({ status }) => status === 'resolved',
    done: ({ status }) => (status === 'resolved' ? 'resolved' : 'resolve requested; Firebreak closes it when it can'),
  });
  act(incident, world, 'mark-wrong', 'say that what automation did for it was wrong', {
    path: 'actions/mark-wrong',
    done: () => 'marked as wrong',
  });
}

type Act = {
  path: string;
  /** When it has happened, where it does not happen at once. */
  settled?: (incident: IncidentView) => boolean;
  /** Says what has happened. */
  done: (incident: IncidentView) => string;
};

const LOOK_EVERY_MS = 250;
const PATIENCE_MS = 30_000;

/** Waits for what the incident's workflow does. @returns the incident as it was read last */
async function settledView(client: Client, first: IncidentView, settled: Act['settled']): Promise<IncidentView> {
  let incident = first;
  for (const end = Date.now() + PATIENCE_MS; settled?.(incident) === false && Date.now() < end;) {
    await sleep(LOOK_EVERY_MS);
    incident = await client.get(pathOf(incident.id), IncidentView);
  }
  return incident;
}

/** A verb that takes nothing but a note. */
function act(incident: Command, world: World, verb: string, says: string, { path, settled, done }: Act): void {
  const command = incident
    .command(verb)
    .description(says)
    .argument(...INCIDENT);
  // An acknowledgement has no note.
  if (path !== 'actions/acknowledge') command.option(...NOTE);
  command.option(...JSON_OPTION).action(async (name: string, { note, json }: Common) => {
    const client = await Client.of(world);
    const before = await incidentNamed(client, name);
    const sent = await client.post(`${pathOf(before.id)}/${path}`, note === undefined ? {} : { note }, IncidentView);
    const after = await settledView(client, sent, settled);
    say(world, after, json, done(after));
  });
}

function say(world: World, incident: IncidentView, json: true | undefined, text: string): void {
  world.out(json ? asJson(incident) : oneLine(`${shortName(incident)}: ${text}`));
}

type Declare = { title: string; severity: Severity; json?: true };

function addDeclare(incident: Command, world: World): void {
  incident
    .command('declare')
    .description('open an incident')
    .argument('[service]', 'absent: not known yet')
    .argument('[environment]', "absent: the service's default")
    .requiredOption('--title <text>', 'what is wrong, in a few words')
    .addOption(new Option('--severity <severity>').choices(Severity.options).default('critical'))
    .option(...JSON_OPTION)
    .action(async (service: string | undefined, environment: string | undefined, { json, ...said }: Declare) => {
      const client = await Client.of(world);
      const opened = await client.post('/v1/incidents', { service, environment, ...said }, IncidentView);
      const place = `${opened.service} in ${opened.environment}`;
      const text =
        opened.title === said.title
          ? `declared, ${opened.severity}, ${place}`
          : `was open already: ${opened.title}, ${place}`;
      say(world, opened, json, text);
    });
}

function addAnswer(incident: Command, world: World, verb: 'approve' | 'reject', says: string): void {
  incident
    .command(verb)
    .description(says)
    .argument(...INCIDENT)
    .argument('[question]', 'its number, as "incident show" prints it; without it you are asked')
    .option(...NOTE)
    .option(...JSON_OPTION)
    .action(async (name: string, question: string | undefined, { note, json }: Common) => {
      const client = await Client.of(world);
      const found = await incidentNamed(client, name);
      const asked = question === undefined ? await confirmed(world, found, verb) : questionOf(found, question);
      // Firebreak compares the digest: a question that was superseded is refused, whatever its number.
      const answer = { digest: asked.digest, ...(note !== undefined && { note }) };
      const after = await client.post(`${pathOf(found.id)}/actions/${verb}`, answer, IncidentView);
      const now = after.decisions.find(({ id }) => id === asked.id) ?? asked;
      say(world, after, json, `${outcomeOf(now, verb)}: ${subjectOf(asked)}`);
    });
}

const waitingOf = ({ decisions }: IncidentView): DecisionView[] => decisions.filter(({ state }) => state === 'waiting');

const questionLines = (questions: readonly DecisionView[]): string[] =>
  questions.map((one) => oneLine(`  ${questionName(one.id)}  ${subjectOf(one)}`));

/** @throws No where the incident has no decision of this name */
function questionOf(incident: IncidentView, written: string): DecisionView {
  const found = incident.decisions.find((decision) => isNamed(written, decision));
  if (found !== undefined) return found;
  const waiting = waitingOf(incident);
  throw new No(
    [
      `${shortName(incident)} has no question ${JSON.stringify(written)}; ${waiting.length === 0 ? 'no question waits' : 'waiting:'}`,
      ...questionLines(waiting),
    ].join('\n'),
  );
}

/** The only question that waits, once the person at the terminal has read and confirmed it. */
async function confirmed(world: World, incident: IncidentView, verb: 'approve' | 'reject'): Promise<DecisionView> {
  const waiting = waitingOf(incident);
  const [one, ...others] = waiting;
  if (one === undefined) throw new No(`${shortName(incident)}: no question waits`);
  if (others.length > 0 || world.ask === undefined)
    throw new Misused(
      [`say which question: firebreak incident ${verb} ${shortName(incident)} NUMBER`, ...questionLines(waiting)].join(
        '\n',
      ),
    );
  world.err(oneLine(`${subjectOf(one)}: ${one.reasons.map(({ text }) => text).join('; ')}`));
  const answer = await world.ask(`${verb === 'approve' ? 'Approve' : 'Reject'}? [y/N] `);
  if (!/^\s*y(es)?\s*$/i.test(answer)) throw new No('nothing was done');
  return one;
}

function outcomeOf({ state, approvals }: DecisionView, verb: 'approve' | 'reject'): string {
  if (verb === 'reject') return 'rejected';
  if (state !== 'waiting') return 'approved';
  return `${approvals.given.length} of ${approvals.needed} approvals, another person has to approve, too`;
}

function addRollback(incident: Command, world: World): void {
  incident
    .command('rollback')
    .description('roll the failing service back, to the newest version known good or to the one named')
    .argument(...INCIDENT)
    .option('--to <version>', 'the version to roll back to')
    .option(...NOTE)
    .option(...JSON_OPTION)
    .action(async (name: string, { to, note, json }: Common & { to?: string }) => {
      const client = await Client.of(world);
      const { id } = await incidentNamed(client, name);
      const wanted = { ...(to !== undefined && { version: to }), ...(note !== undefined && { note }) };
      const after = await client.post(`${pathOf(id)}/actions/rollback`, wanted, IncidentView);
      const where = to === undefined ? 'the newest version known good' : to;
      say(world, after, json, `rollback of ${after.service} in ${after.environment} to ${where} requested`);
    });
}

function addUpdate(incident: Command, world: World): void {
  incident
    .command('update')
    .description('tell stakeholders how it goes')
    .argument(...INCIDENT)
    .argument('<text...>')
    .option('--publish', 'let the status page show the incident, in words of its own')
    .option(...JSON_OPTION)
    .action(async (name: string, words: string[], { publish, json }: { publish?: true; json?: true }) => {
      const client = await Client.of(world);
      const { id } = await incidentNamed(client, name);
      const told = { text: words.join(' '), publish: publish === true };
      say(world, await client.post(`${pathOf(id)}/updates`, told, IncidentView), json, 'stakeholders are updated');
    });
}

function addNote(incident: Command, world: World): void {
  incident
    .command('note')
    .description('put a note on the timeline')
    .argument(...INCIDENT)
    .argument('<text...>')
    .option(...JSON_OPTION)
    .action(async (name: string, words: string[], { json }: { json?: true }) => {
      const client = await Client.of(world);
      const found = await incidentNamed(client, name);
      const entry = await client.post(`${pathOf(found.id)}/timeline`, { text: words.join(' ') }, TimelineEntry);
      world.out(json ? asJson(entry) : `${shortName(found)}: noted`);
    });
}

function addRoles(incident: Command, world: World): void {
  incident
    .command('take')
    .description('take a role')
    .argument(...INCIDENT)
    .argument('[role]', IncidentRole.options.join(', '), roleOf, 'commander')
    .option(...JSON_OPTION)
    .action((name: string, role: IncidentRole, { json }: { json?: true }) =>
      inRole(world, name, { do: 'take', role }, json),
    );
  incident
    .command('leave')
    .description('leave a role')
    .argument(...INCIDENT)
    .argument('[role]', IncidentRole.options.join(', '), roleOf, 'commander')
    .option(...JSON_OPTION)
    .action((name: string, role: IncidentRole, { json }: { json?: true }) =>
      inRole(world, name, { do: 'leave', role }, json),
    );
  incident
    .command('assign')
    .description('give a role to somebody of people.yaml')
    .argument(...INCIDENT)
    .argument('<role>', IncidentRole.options.join(', '), roleOf)
    .argument('<person>', 'as people.yaml calls them')
    .option(...JSON_OPTION)
    .action((name: string, role: IncidentRole, to: string, { json }: { json?: true }) =>
      inRole(world, name, { do: 'assign', role, to }, json),
    );
  incident
    .command('handover')
    .description('hand command over to somebody of people.yaml')
    .argument(...INCIDENT)
    .argument('<person>', 'as people.yaml calls them')
    .argument('[brief...]', 'what they have to know; absent: a summary of the incident')
    .option(...JSON_OPTION)
    .action(async (name: string, to: string, brief: string[], { json }: { json?: true }) => {
      const client = await Client.of(world);
      const { id } = await incidentNamed(client, name);
      const said = { to, ...(brief.length > 0 && { brief: brief.join(' ') }) };
      const after = await client.post(`${pathOf(id)}/actions/hand-over`, said, IncidentView);
      say(world, after, json, rolesOf(after));
    });
}

type Role = { do: 'take' | 'leave'; role: IncidentRole } | { do: 'assign'; role: IncidentRole; to: string };

async function inRole(world: World, name: string, wanted: Role, json: true | undefined): Promise<void> {
  const client = await Client.of(world);
  const { id } = await incidentNamed(client, name);
  const after = await client.post(`${pathOf(id)}/roles`, wanted, IncidentView);
  say(world, after, json, rolesOf(after));
}

/** `commander Ada, scribe Ben` */
export function rolesOf({ roles }: Pick<IncidentView, 'roles'>): string {
  const held = Object.entries(roles).map(([role, holder]) => `${role} ${holder}`);
  return held.length === 0 ? 'nobody has a role' : held.join(', ');
}

function roleOf(written: string): IncidentRole {
  const role = IncidentRole.safeParse(written.toLowerCase());
  if (role.success) return role.data;
  const meant = didYouMean(written, IncidentRole.options);
  throw new InvalidArgumentError(`roles are ${IncidentRole.options.join(', ')}${meant === null ? '' : `; ${meant}`}`);
}
