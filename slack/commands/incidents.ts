import { openParts, openPartsWords } from '../../domain/incidents/children.ts';
import { supersededWords } from '../../domain/changes/superseded.ts';
import type { DecisionView } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { answerDecision } from '../../actions/incidents/answer-decision.ts';
import { acknowledge, soFar, sendUpdateToStakeholders, triage } from '../../actions/incidents/acknowledge.ts';
import { note } from '../../actions/incidents/declare-incident.ts';
import { view } from '../../actions/incidents/incident-view.ts';
import { takeOver } from '../../actions/incidents/take-over.ts';
import type { Who } from '../../actions/incidents/acting-person.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { ActionRequest } from './command.ts';
import { answered, Declined, type Outcome } from './outcome.ts';
import type { CommandDeps } from './deps.ts';

/** The acting person, and the idempotency key of the action. */
export type Acting = { who: Who; key: string; trace: string };

type Of<A extends ActionRequest['act']> = Extract<ActionRequest, { act: A }>;

export async function setSeverity(deps: CommandDeps, { who, key }: Acting, id: IncidentId, deed: Of<'severity'>) {
  const before = await view(deps, id);
  await triage(deps, who, { id, key, severity: deed.severity });
  if (deed.note !== null) await noted(deps, who, id, `${key}-note`, deed.note);
  return before.severity === deed.severity
    ? answered(`Severity confirmed: ${deed.severity}.`)
    : answered(`Severity changed from ${before.severity} to ${deed.severity}.`);
}

const noted = (deps: CommandDeps, who: Who, id: IncidentId, key: string, text: string) =>
  note(deps, who, { id, key, text, detail: null });

export async function writeNote(
  deps: CommandDeps,
  { who, key }: Acting,
  id: IncidentId,
  deed: Of<'note'>,
): Promise<Outcome> {
  await noted(deps, who, id, key, deed.text);
  return answered('Added to the timeline.');
}

export async function acknowledgement(deps: CommandDeps, { who, key }: Acting, id: IncidentId): Promise<Outcome> {
  await acknowledge(deps, who, { id, key });
  const by = (await deps.incidents.read(id))?.care?.acknowledged?.by;
  return by === undefined || by === who.name
    ? answered('You have acknowledged the incident.')
    : answered(`${by} has already acknowledged the incident.`);
}

export async function sendUpdate(
  deps: CommandDeps,
  { who, key }: Acting,
  id: IncidentId,
  { text, publish }: Of<'update'>,
): Promise<Outcome> {
  const told = await sendUpdateToStakeholders(deps, who, { id, key, text, publish });
  return answered(`Stakeholders notified.${PUBLIC_WORDS[told.public]}`);
}

const PUBLIC_WORDS = {
  published: ' The status page can now show the incident, with its own texts.',
  waits: ' The status page still waits for approval: use "Publish update…".',
  nothing: '',
} as const;

export async function resolvedByHand(
  deps: CommandDeps,
  { who, key }: Acting,
  id: IncidentId,
  deed: Of<'resolve'>,
): Promise<Outcome> {
  const before = await view(deps, id);
  if (before.status === 'resolved') return answered(`Superseded: ${supersededWords(before, '')}.`);
  const parts = await deps.incidentGroups.parts(id);
  const also = openPartsWords(openParts(parts));
  // The description of the children includes their firing alerts.
  const firing = parts.length > 0 ? 0 : ((await deps.incidents.read(id))?.firing ?? 0);
  await takeOver(deps, who, { id, action: 'resolve', note: deed.note ?? '', key });
  return answered(`The incident is resolved${also === null ? '' : `, together with ${also}`}.${firingWords(firing)}`);
}

/** Explains that alerts that keep firing no longer page, because a person resolved the incident. */
function firingWords(firing: number): string {
  if (firing === 0) return '';
  const still = firing === 1 ? 'One alert is still firing' : `${firing} alerts are still firing`;
  return ` ⚠️ ${still}. Alerts that keep firing no longer page; alerts that start to fire from now on do.`;
}

export async function switched(
  deps: CommandDeps,
  { who, key }: Acting,
  id: IncidentId,
  { action }: Of<'switch'>,
): Promise<Outcome> {
  await takeOver(deps, who, { id, action, note: '', key });
  return action === 'pause'
    ? answered('The automation of this incident is paused: it starts nothing new.')
    : answered('The automation of this incident is resumed.');
}

/** @throws Declined if the question is not waiting any more */
export async function questionAnswered(
  deps: CommandDeps,
  { who }: Acting,
  id: IncidentId,
  { digest, answer }: Of<'answer'>,
): Promise<Outcome> {
  try {
    const { decisions } = await answerDecision(deps, who, { id, digest, answer, note: '' });
    const decision = decisions.find((one) => one.digest === digest);
    if (answer === 'approved' && decision?.state === 'waiting') return answered(yesOfMany(decision.approvals));
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'superseded') throw error;
    const now = supersededWords(await view(deps, id), digest);
    throw new Declined(`Superseded: ${now}. Nothing was done.`);
  }
  return answered(answer === 'approved' ? 'Approved.' : 'Rejected: the action is not executed.');
}

/** Explains how many approvals are still missing. */
function yesOfMany({ needed, given }: DecisionView['approvals']): string {
  const more = needed - given.length;
  const who = more > 1 ? `${more} more people` : needed === 2 ? 'A second person' : 'One more person';
  return `Approval ${given.length} of ${needed} recorded. ${who} must approve this as well: nothing has been done yet.`;
}

export async function showStatus(deps: CommandDeps, { who }: Acting, id: IncidentId): Promise<Outcome> {
  return { answer: await soFar(deps, who, id) };
}
