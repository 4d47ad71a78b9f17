import { openParts, openPartsWords } from '../../domain/parts.ts';
import { supersededWords } from '../../domain/superseded.ts';
import type { DecisionView } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { answerDecision } from '../acts/answer.ts';
import { acknowledge, soFar, tell, triage } from '../acts/care.ts';
import { note } from '../acts/incidents.ts';
import { view } from '../acts/incident-view.ts';
import { takeOver } from '../acts/take-over.ts';
import type { Who } from '../acts/who.ts';
import { Refusal } from '../api/problem.ts';
import type { Deed } from './errand.ts';
import { answered, Declined, type Outcome } from './outcome.ts';
import type { HearDeps } from './hear-deps.ts';

/** Who does it, and the key under which it is done once. */
export type Doing = { who: Who; key: string; trace: string };

type Of<A extends Deed['act']> = Extract<Deed, { act: A }>;

export async function severitySet(deps: HearDeps, { who, key }: Doing, id: IncidentId, deed: Of<'severity'>) {
  const before = await view(deps, id);
  await triage(deps, who, { id, key, severity: deed.severity });
  if (deed.note !== null) await noted(deps, who, id, `${key}-note`, deed.note);
  return before.severity === deed.severity
    ? answered(`It is ${deed.severity}, as it was taken for: that is confirmed.`)
    : answered(`It is ${deed.severity} now, and was ${before.severity}.`);
}

const noted = (deps: HearDeps, who: Who, id: IncidentId, key: string, text: string) =>
  note(deps, who, { id, key, text, detail: null });

export async function noteWritten(
  deps: HearDeps,
  { who, key }: Doing,
  id: IncidentId,
  deed: Of<'note'>,
): Promise<Outcome> {
  await noted(deps, who, id, key, deed.text);
  return answered('It is on the timeline.');
}

export async function acknowledgement(deps: HearDeps, { who, key }: Doing, id: IncidentId): Promise<Outcome> {
  await acknowledge(deps, who, { id, key });
  const by = (await deps.incidents.read(id))?.care?.acknowledged?.by;
  return by === undefined || by === who.name ? answered('You see to it.') : answered(`${by} sees to it already.`);
}

export async function updateTold(
  deps: HearDeps,
  { who, key }: Doing,
  id: IncidentId,
  { text, publish }: Of<'update'>,
): Promise<Outcome> {
  const told = await tell(deps, who, { id, key, text, publish });
  return answered(`Those who wait for news are told.${PUBLIC_WORDS[told.public]}`);
}

const PUBLIC_WORDS = {
  published: ' The status page may show the incident now, in words of its own.',
  waits: ' The status page says nothing yet: "Publish update…" lets it speak.',
  nothing: '',
} as const;

export async function resolvedByHand(
  deps: HearDeps,
  { who, key }: Doing,
  id: IncidentId,
  deed: Of<'resolve'>,
): Promise<Outcome> {
  const before = await view(deps, id);
  if (before.status === 'resolved') return answered(`Superseded: ${supersededWords(before, '')}.`);
  const parts = await deps.crowds.parts(id);
  const also = openPartsWords(openParts(parts));
  // What fires in parts is told with them.
  const firing = parts.length > 0 ? 0 : ((await deps.incidents.read(id))?.firing ?? 0);
  await takeOver(deps, who, { id, action: 'resolve', note: deed.note ?? '', key });
  return answered(
    `It is over: the incident closes now${also === null ? '' : `, and with it ${also}`}.${firingWords(firing)}`,
  );
}

/** What goes on firing was closed by a person: it does not ring again by itself. */
function firingWords(firing: number): string {
  if (firing === 0) return '';
  const still = firing === 1 ? 'One alert still fires' : `${firing} alerts still fire`;
  return ` ⚠️ ${still}: what goes on firing pages nobody any more, what begins to fire after this does.`;
}

export async function switched(
  deps: HearDeps,
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
  deps: HearDeps,
  { who }: Doing,
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
  return answered(answer === 'approved' ? 'Your yes counts.' : 'Your no counts: it is not done.');
}

/** Others have to be for it, too. */
function yesOfMany({ needed, given }: DecisionView['approvals']): string {
  const more = needed - given.length;
  const whose = more === 1 ? 'A second person has' : `${more} more people have`;
  return `Your yes counts, as ${given.length} of ${needed}. ${needed === 2 ? whose : whose.replace('A second', 'One more')} to be for it, too: nothing has been done yet.`;
}

export async function statusTold(deps: HearDeps, { who }: Doing, id: IncidentId): Promise<Outcome> {
  return { answer: await soFar(deps, who, id) };
}
