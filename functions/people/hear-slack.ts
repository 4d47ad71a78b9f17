import { hash } from 'node:crypto';
import { whomToAsk } from '../../domain/may-not.ts';
import type { ChatMessage, Ear, Text, Told } from '../../domain/outlets.ts';
import { whyNotPlayed } from '../../domain/reality.ts';
import { byName } from '../../domain/shown-names.ts';
import type { Config } from '../../schemas/config.ts';
import type { Heard } from '../../schemas/heard.ts';
import { secondsBetween } from '../../schemas/time.ts';
import { Refusal } from '../api/problem.ts';
import { vendorModes } from '../vendor-modes.ts';
import { actorFor } from './acquainted.ts';
import { carryOut } from './carry-out.ts';
import { actionOf } from './action-of.ts';
import { type Errand, errandOf, writtenFor } from './errand.ts';
import { plainOf } from '../../domain/plain-text.ts';
import { answered, Declined, NOTHING, type Outcome, withNote } from './outcome.ts';
import { whoActs } from './who-acts.ts';
import type { HearDeps } from './hear-deps.ts';

type FromSlack = Extract<Heard, { from: 'slack' }>;

/** Whoever has wanted it so long ago has given up on it, or has done it otherwise. */
const LATE_SECONDS = 15 * 60;

/** What is only written down, and what is only told, is as good later. */
const NEVER_LATE: ReadonlySet<Errand['deed']['act']> = new Set(['note', 'pin', 'so_far', 'update']);

/**
 * What somebody did in Slack has its consequences, and they hear of them. What came of it is kept before it is told: so
 * a message that is delivered again does nothing twice, and tells at most once more.
 *
 * @throws what our own infrastructure does wrong; the message has to come again
 */
export async function hearSlack(deps: HearDeps, { key, at, trace, request }: FromSlack): Promise<void> {
  const log = deps.log.with({ trace, heard: key });
  const { services } = await deps.config.current();
  const errand = errandOf(request, (name) => environmentsCalled(services, name));
  if (errand === undefined) return;
  const before = await deps.hearings.read(key);
  if (before?.told === true) return log.debug('heard from Slack again, and done already', { act: errand.deed.act });
  const late = secondsBetween(at, deps.clock.now()) > LATE_SECONDS && !NEVER_LATE.has(errand.deed.act);
  const outcome =
    before === undefined
      ? await (late ? tooLate(errand) : outcomeOf(deps, errand, { key, trace }))
      : (before.outcome as Outcome); // as it was kept below
  // A message that took long is delivered again, while the first one may still be at it: that one tells.
  if (before === undefined && !(await deps.hearings.did(key, outcome)))
    return log.debug('done meanwhile by another delivery', { act: errand.deed.act });
  log.debug('done what was heard from Slack', { act: errand.deed.act, user: errand.user, again: before !== undefined });
  await tell({ ...deps, log }, errand.ear, outcome);
  await deps.hearings.told(key);
}

/** Of a service, else of all services of a team. Undefined: nothing is called so. */
function environmentsCalled(services: Config['services'], name: string): string[] | undefined {
  const entries = Object.entries(services);
  const own = entries.filter(([service]) => service === name);
  const found = own.length > 0 ? own : entries.filter(([, { team }]) => team === name);
  if (found.length === 0) return undefined;
  return [...new Set(found.flatMap(([, { environments }]) => Object.keys(environments)))];
}

const tooLate = async (errand: Errand): Promise<Outcome> =>
  notDone(
    errand,
    answered(
      'This was taken up too late: more than 15 minutes after you did it. Nothing was done; do it again if it still holds.',
    ),
  );

async function outcomeOf(
  deps: HearDeps,
  errand: Errand,
  { key, trace }: { key: string; trace: string },
): Promise<Outcome> {
  try {
    const found = await actorFor(deps, errand.user);
    if (!found.ok) return notDone(errand, await unknownSomebody(deps, errand, found.because));
    const config = await deps.config.current();
    const played = (await deps.directory.standIn?.())
      ? { config, vendors: await vendorModes(deps), standIns: deps.standIns }
      : undefined;
    const who = whoActs(found.actor, {
      config,
      slack: errand.user,
      now: () => deps.clock.now(),
      ...(played && { whyNotPlayed: (action, scope) => whyNotPlayed(played, action, scope) }),
    });
    return await carryOut(deps, { who, key: `heard-${hash('sha256', key).slice(0, 32)}`, trace }, errand);
  } catch (error) {
    if (error instanceof Declined) return notDone(errand, answered(...error.text));
    if (error instanceof Refusal) return notDone(errand, answered(`${wordsOf(error)} Nothing was done.`));
    // More freezes of one scope than can be kept: that it comes again would not help.
    if (error instanceof Error && error.name === 'ScopeFull')
      return notDone(errand, answered(`${error.message}. Nothing was done.`));
    throw error;
  }
}

/** Robots, guests and people of other teams come into channels, too: whoever has asked for nothing is refused nothing. */
function notDone({ deed }: Errand, outcome: Outcome): Outcome {
  if (deed.act === 'so_far') return NOTHING;
  const written = writtenFor(deed);
  const said =
    outcome.answer?.parts.flatMap((part) => (part.kind === 'text' ? [plainOf(part.text)] : [])).join(' ') ?? '';
  // Dialogs are closed by now, and commands gone.
  return written === null || said.includes(written) ? outcome : withNote(outcome, [`You wrote: ${written}`]);
}

async function unknownSomebody(
  { config, clock }: Pick<HearDeps, 'config' | 'clock'>,
  { deed }: Errand,
  because: string,
): Promise<Outcome> {
  const ask = whomToAsk(await config.current(), actionOf(deed), {}, clock.now());
  return answered(`You may do nothing here: ${because}. Nothing was done. `, ...ask);
}

/** Refusals of the API, for people who are not at the API. */
function wordsOf({ code, detail }: Refusal): string {
  switch (code) {
    case 'automation-paused':
      return 'The kill switch is on, so nothing would come of it; what waits still waits. First: /firebreak resume.';
    case 'paused':
      return 'The automation of this incident is paused, so nothing would come of it; what waits still waits. Resume it first.';
    case 'incident-resolved':
      return 'Superseded: the incident is resolved already.';
    case 'rollback-in-progress':
      return `Superseded: ${detail}.`;
    case 'second-person-needed':
      return 'You are for it already; somebody else has to be, too, and until then it is not done.';
    case 'freeze-over':
      return 'Superseded: the freeze is over, and nothing has to be let through.';
    default: {
      const text = detail.replace(/^json: (?:[a-z_.]+: )?/, '');
      return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
    }
  }
}

/**
 * An answer that Slack does not take is lost: what was done is on the timeline, and doing it again would be worse. Whom
 * no letter reaches is named in the answer, so that somebody tells them otherwise.
 */
async function tell(
  { whispers, acquaintances, log }: HearDeps,
  ear: Ear,
  { answer, aloud = false, letters = [] }: Outcome,
): Promise<void> {
  const isLost = (told: Told<null>, user: string): boolean => {
    if (told.kind !== 'done') log.warn('somebody could not be told what came of it', { user, detail: told.detail });
    // What may have arrived is not called lost.
    return told.kind !== 'done' && told.kind !== 'unclear';
  };
  const lost: string[] = [];
  const reached: string[] = [];
  for (const { user, message } of letters)
    (isLost(await whispers.write(user, message), user) ? lost : reached).push(user);
  if (answer === null) return;
  // People who are in no file stand on timelines by their id; whoever reads of them knows their name.
  const named = await byName(answer, async (id) => (await acquaintances.user(id))?.user.name ?? undefined);
  isLost(await whispers.tell(ear, withLetters(named, reached, lost), aloud), ear.user);
}

/** Whoever asks for something hears whom a message of it has reached, and who has to hear of it otherwise. */
function withLetters(answer: ChatMessage, reached: readonly string[], lost: readonly string[]): ChatMessage {
  const users = (of: readonly string[]): Text => of.flatMap((user) => [{ user }, ' ']);
  const notes: Text[] = [
    ...(reached.length === 0 ? [] : [['✉️ Told by a message: ', ...users(reached)]]),
    ...(lost.length === 0 ? [] : [['⚠️ Slack took no message to ', ...users(lost), 'now: tell them yourself.']]),
  ];
  return { ...answer, parts: [...answer.parts, ...notes.map((text) => ({ kind: 'note' as const, text }))] };
}
