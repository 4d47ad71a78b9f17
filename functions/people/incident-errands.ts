import { serviceEntry } from '../../domain/catalogue.ts';
import type { Text } from '../../domain/outlets.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Somebody } from '../../domain/roles.ts';
import { supersededWords } from '../../domain/superseded.ts';
import type { IncidentView } from '../../schemas/incident.ts';
import { EnvironmentName, type IncidentId, ServiceName } from '../../schemas/names.ts';
import { IncidentRole } from '../../schemas/response-roles.ts';
import { answerDecision } from '../acts/answer.ts';
import { acknowledge, assignRole, handOver, soFar, takeRole, tell, triage } from '../acts/care.ts';
import { declare, note } from '../acts/incidents.ts';
import { view } from '../acts/incident-view.ts';
import { notTheDeploy } from '../acts/not-the-deploy.ts';
import { takeOver } from '../acts/take-over.ts';
import type { Who } from '../acts/who.ts';
import { Refusal } from '../api/problem.ts';
import { actorFor } from './acquainted.ts';
import type { Deed } from './errand.ts';
import { answered, Declined, message, NOTHING, type Outcome, unknownName, nameIn } from './outcome.ts';

/** Who does it, and the key under which it is done once. */
export type Doing = { who: Who; key: string; trace: string };

type Of<A extends Deed['act']> = Extract<Deed, { act: A }>;

/** Opens an incident, with what somebody has seen as its first entry. */
export async function declared(deps: Deps, { who, key, trace }: Doing, deed: Of<'declare'>): Promise<Outcome> {
  const { services } = await deps.config.current();
  const entry = serviceEntry(services, deed.service);
  if (entry === undefined) throw unknownName('service', deed.service, Object.keys(services));
  const environments = Object.keys(entry.environments);
  const only = environments.length === 1 ? environments[0] : undefined;
  const environment = deed.environment ?? entry.defaultEnvironment ?? only ?? 'production';
  const place = { service: nameIn(ServiceName, deed.service), environment: nameIn(EnvironmentName, environment) };
  const { title, severity, from } = deed;
  const { incident, created } = await declare(deps, who, { ...place, title, severity, trace });
  const care = { triaged: { by: who.name, at: deps.clock.now() } };
  if (created) await deps.incidents.amend(incident.id, () => ({ care }), key);
  if (from !== null) await pinned(deps, { who, key, trace }, incident.id, { act: 'pin', ...from });
  const where =
    incident.channel === null ? 'Its channel comes in a moment.' : `It is talked of in ${incident.channel}.`;
  if (!created) return answered('An incident is open there already: ', { bold: incident.title }, `. ${where}`);
  return {
    ...answered('Declared: ', { bold: incident.title }, `, ${severity}, ${place.service} in ${environment}. ${where}`),
    letters: await letterToOnCall(deps, who, incident),
  };
}

/** Whoever has got command without having asked for it hears of it. */
async function letterToOnCall(deps: Deps, who: Who, incident: IncidentView): Promise<NonNullable<Outcome['letters']>> {
  const user = (await deps.incidents.read(incident.id))?.roles?.commander?.slack ?? null;
  if (user === null || user === who.slack) return [];
  const by = who.shown ?? who.name;
  return [
    { user, message: message([`${by} has declared `, ...titleOf(incident), '. You have command, being on call.']) },
  ];
}

export async function severitySet(deps: Deps, { who, key }: Doing, id: IncidentId, deed: Of<'severity'>) {
  const before = await view(deps, id);
  await triage(deps, who, { id, key, severity: deed.severity });
  if (deed.note !== null) await noted(deps, who, id, `${key}-note`, deed.note);
  return before.severity === deed.severity
    ? answered(`It is ${deed.severity}, as it was taken for: that is confirmed.`)
    : answered(`It is ${deed.severity} now, and was ${before.severity}.`);
}

const noted = (deps: Deps, who: Who, id: IncidentId, key: string, text: string) =>
  note(deps, who, { id, key, text, kind: 'note', detail: null });

export async function noteWritten(deps: Deps, { who, key }: Doing, id: IncidentId, deed: Of<'note'>): Promise<Outcome> {
  await noted(deps, who, id, key, deed.text);
  return answered('It is on the timeline.');
}

/** Of a message that several people pin one entry is made, by the first of them. */
export async function pinned(deps: Deps, { who }: Doing, id: IncidentId, deed: Of<'pin'>): Promise<Outcome> {
  who.allow('incidents:write', await view(deps, id));
  const told = await deps.directory.message(deed.channel, deed.ts);
  const seen = told.kind === 'done' ? told.value : null;
  const text = deed.text ?? seen?.text ?? null;
  if (text === null) {
    const why = told.kind === 'done' ? 'it is not there any more' : told.detail;
    throw new Declined(`That message could not be read, so it is not on the timeline: ${why}.`);
  }
  const author = deed.author ?? seen?.user ?? null;
  const by = author === null ? '' : `${await shownAs(deps, author)}: `;
  await note(deps, who, {
    id,
    key: `pinned-${deed.channel}-${deed.ts}`,
    text: `${by}${text}`.slice(0, NOTE_MAX_CHARS).toWellFormed(),
    kind: 'note.pinned',
    detail: { channel: deed.channel, ts: deed.ts, url: seen?.url ?? null },
  });
  return NOTHING;
}

const NOTE_MAX_CHARS = 3500;

/** As others see them, whether or not they may do anything here. */
async function shownAs(deps: Deps, user: string): Promise<string> {
  const found = await actorFor(deps, user);
  return found.ok ? found.actor.shown : ((await deps.acquaintances.user(user))?.user.name ?? user);
}

export async function acknowledgement(deps: Deps, { who, key }: Doing, id: IncidentId): Promise<Outcome> {
  await acknowledge(deps, who, { id, key });
  const by = (await deps.incidents.read(id))?.care?.acknowledged?.by;
  return by === undefined || by === who.name ? answered('You see to it.') : answered(`${by} sees to it already.`);
}

export async function roleTaken(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  { role }: Of<'take'>,
): Promise<Outcome> {
  const before = (await view(deps, id)).roles[role];
  await takeRole(deps, who, { id, key, role });
  const instead = before === undefined || before === who.shown ? '' : `, in place of ${before}`;
  return answered(`You are ${role}${instead}.`);
}

/** Whoever is asked to do something has to be able to. @throws Declined */
async function holderOf(deps: Deps, user: string): Promise<Somebody> {
  const found = await actorFor(deps, user);
  if (!found.ok) throw new Declined(...([{ user }, ` may do nothing here: ${found.because}.`] satisfies Text));
  return { name: found.actor.name, shown: found.actor.shown, slack: user };
}

export async function roleAssigned(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  { role, user }: Of<'assign'>,
): Promise<Outcome> {
  const to = await holderOf(deps, user);
  const incident = await assignRole(deps, who, { id, key, role, to });
  const letter = message([`${who.shown ?? who.name} asks you to be ${role} of `, ...titleOf(incident)]);
  return {
    ...answered({ user }, ` is ${role}, and is told.`),
    letters: user === who.slack ? [] : [{ user, message: letter }],
  };
}

export async function commandHandedOver(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  { user, brief }: Of<'handover'>,
): Promise<Outcome> {
  const to = await holderOf(deps, user);
  const { incident, brief: text } = await handOver(deps, who, { id, key, to, brief });
  const letter = message([`${who.shown ?? who.name} hands command over to you: `, ...titleOf(incident), `\n${text}`]);
  return {
    ...answered({ user }, ' has command, and is told. The brief is on the timeline.'),
    letters: user === who.slack ? [] : [{ user, message: letter }],
  };
}

const titleOf = ({ title, service, environment, channel }: IncidentView): Text => [
  { bold: title },
  `, ${service} in ${environment}${channel === null ? '' : `, ${channel}`}`,
];

export async function updateTold(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  { text }: Of<'update'>,
): Promise<Outcome> {
  const { published } = await tell(deps, who, { id, key, text });
  return answered(`Those who wait for news are told.${published ? ' The status page may show the incident now.' : ''}`);
}

export async function resolvedByHand(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  deed: Of<'resolve'>,
): Promise<Outcome> {
  const before = await view(deps, id);
  if (before.status === 'resolved') return answered(`Superseded: ${supersededWords(before, '')}.`);
  await takeOver(deps, who, { id, action: 'resolve', note: deed.note ?? '', key });
  return answered('It is over: the incident closes now.');
}

export async function switched(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  { action }: Of<'switch'>,
): Promise<Outcome> {
  await takeOver(deps, who, { id, action, note: '', key });
  return action === 'pause'
    ? answered('The automation of this incident is paused: nothing more is begun by itself.')
    : answered('The automation of this incident goes on.');
}

/** @throws Declined where the question is not the one that waits */
export async function questionAnswered(
  deps: Deps,
  { who }: Doing,
  id: IncidentId,
  { digest, answer }: Of<'answer'>,
): Promise<Outcome> {
  try {
    await answerDecision(deps, who, { id, digest, answer, note: '' });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'superseded') throw error;
    const now = supersededWords(await view(deps, id), digest);
    throw new Declined(`Superseded: ${now}. Nothing was done.`);
  }
  return answered(answer === 'approved' ? 'Your yes counts.' : 'Your no counts: it is not done.');
}

export async function suspectCleared(
  deps: Deps,
  { who, key }: Doing,
  id: IncidentId,
  { change }: Of<'not_the_deploy'>,
): Promise<Outcome> {
  const done = await notTheDeploy(deps, who, { id, change, key });
  switch (done) {
    case 'rejected':
      return answered('Not the deploy: the question is answered with no.');
    case 'marked_wrong':
      return answered('Not the deploy: the rollback counts as wrong, against the automation of the service.');
    case 'noted':
      return answered('Not the deploy: that is on the timeline. Nothing was asked or done about it.');
  }
}

export async function statusTold(deps: Deps, { who }: Doing, id: IncidentId): Promise<Outcome> {
  return { answer: await soFar(deps, who, id) };
}

export async function rolesTold(deps: Deps, { who }: Doing, id: IncidentId): Promise<Outcome> {
  const incident = await view(deps, id);
  who.allow('incidents:read', incident);
  const rows = IncidentRole.options.flatMap((role): Text => [
    '\n• ',
    { bold: role },
    `: ${incident.roles[role] ?? 'nobody'}`,
  ]);
  return answered({ bold: incident.title }, ...rows);
}
