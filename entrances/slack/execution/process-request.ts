import { hash } from 'node:crypto';
import { whomToAsk } from '../../../core/domain/access/refusals.ts';
import type { ChatMessage, Text } from '../../../core/domain/messages/chat-message.ts';
import { capitalized } from '../../../core/domain/messages/decision-lines.ts';
import type { ReplyTo } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { whySandboxUserRefused } from '../../../core/domain/catalogue/real-systems.ts';
import { withDisplayNames } from '../../../core/domain/people/display-names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { vendorModes } from '../../../vendors/connections/vendor-modes.ts';
import { actorFor } from './known-user.ts';
import { execute } from './execute.ts';
import { verbOf } from '../commands/lookup.ts';
import { type Command, commandOf } from './command.ts';
import { plainOf } from '../../../core/domain/messages/plain-text.ts';
import { answered, Declined, NOTHING, type Outcome, withNote } from '../outcome.ts';
import { callerOf } from './caller.ts';
import type { CommandDeps } from '../deps.ts';

type FromSlack = Extract<InboundEvent, { from: 'slack' }>;

/** Maximum age of a command in seconds. After that, the person has probably given up or found another way. */
const LATE_SECONDS = 15 * 60;

/**
 * Executes a Slack request and sends the answer. The result is stored before the answer is sent, so a repeated delivery
 * executes nothing twice, and repeats the answer at most once.
 *
 * @throws on failures of Firebreak's own infrastructure; the queue must deliver the message again
 */
export async function processSlackRequest(deps: CommandDeps, { key, at, trace, request }: FromSlack): Promise<void> {
  const log = deps.log.with({ trace, event: key });
  const { services } = await deps.config.current();
  const command = commandOf(request, (name) => environmentsCalled(services, name));
  if (command === undefined) return;
  const before = await deps.processedEvents.read(key);
  if (before?.delivered === true)
    return log.debug('a Slack request was delivered again, and is already done', { act: command.request.act });
  const isLate = secondsBetween(at, deps.clock.now()) > LATE_SECONDS && verbOf(command.request).neverLate !== true;
  const outcome =
    before === undefined
      ? await (isLate ? tooLate(command) : outcomeOf(deps, command, { key, trace }))
      : (before.outcome as Outcome); // stored below
  // The queue repeats a slow delivery while the first may still run. Only the one that stores the result answers.
  if (before === undefined && !(await deps.processedEvents.store(key, outcome)))
    return log.debug('a Slack request was processed by another delivery', { act: command.request.act });
  log.debug('processed a Slack request', { act: command.request.act, user: command.user, again: before !== undefined });
  await deliver({ ...deps, log }, command.replyTo, outcome);
  await deps.processedEvents.markDelivered(key);
}

/** Returns the environments of a service, or else of all services of a team. Undefined: unknown name. */
function environmentsCalled(services: Config['services'], name: string): string[] | undefined {
  const entries = Object.entries(services);
  const ofService = entries.filter(([service]) => service === name);
  const found = ofService.length > 0 ? ofService : entries.filter(([, { team }]) => team === name);
  if (found.length === 0) return undefined;
  return [...new Set(found.flatMap(([, { environments }]) => Object.keys(environments)))];
}

const tooLate = async (command: Command): Promise<Outcome> =>
  notDone(
    command,
    answered(
      'This request was processed too late, more than 15 minutes after you sent it. Nothing was done. Repeat it if it still applies.',
    ),
  );

async function outcomeOf(
  deps: CommandDeps,
  command: Command,
  { key, trace }: { key: string; trace: string },
): Promise<Outcome> {
  try {
    const found = await actorFor(deps, command.user);
    if (!found.ok) return notDone(command, await unknownPerson(deps, command, found.because));
    const config = await deps.config.current();
    const sandbox = (await deps.directory.standIn?.())
      ? { config, vendors: await vendorModes(deps), standIns: deps.standIns }
      : undefined;
    const caller = callerOf(found.actor, {
      config,
      slack: command.user,
      now: () => deps.clock.now(),
      ...(sandbox && { whySandboxUserRefused: (action, scope) => whySandboxUserRefused(sandbox, action, scope) }),
    });
    return await execute(deps, { caller, key: `slack-${hash('sha256', key).slice(0, 32)}`, trace }, command);
  } catch (error) {
    if (error instanceof Declined) return notDone(command, answered(...error.text));
    if (error instanceof Refusal)
      return notDone(command, answered(`${refusalText(error, await deps.config.current())} Nothing was done.`));
    // A retry would not help: the scope has the maximum number of freezes.
    if (error instanceof Error && error.name === 'ScopeFull')
      return notDone(command, answered(`${error.message}. Nothing was done.`));
    throw error;
  }
}

/** Adds the person's text to a refusal. Joining a channel is never refused, because the person requested nothing. */
function notDone({ request }: Command, outcome: Outcome): Outcome {
  const verb = verbOf(request);
  if (verb.silent === true) return NOTHING;
  const freeText = verb.freeText?.(request) ?? null;
  const text =
    outcome.answer?.parts.flatMap((part) => (part.kind === 'text' ? [plainOf(part.text)] : [])).join(' ') ?? '';
  // The dialog or command with the text is gone by now.
  return freeText === null || text.includes(freeText) ? outcome : withNote(outcome, [`You wrote: ${freeText}`]);
}

/** Returns the answer to a person who has no permissions, with the people to ask. */
async function unknownPerson(
  { config, clock }: Pick<CommandDeps, 'config' | 'clock'>,
  { request }: Command,
  because: string,
): Promise<Outcome> {
  const contactText = whomToAsk(await config.current(), verbOf(request).permission, {}, clock.now());
  return answered(`You don't have permission: ${because}. Nothing was done. `, ...contactText);
}

/** Returns the text of an API refusal for people in Slack. */
export function refusalText({ code, detail }: Refusal, { services }: Pick<Config, 'services'>): string {
  switch (code) {
    case 'automation-paused':
      return 'The kill switch is on, so this would have no effect. Open questions stay open. First enter /firebreak resume.';
    case 'paused':
      return 'The automation of this incident is paused, so this would have no effect. Open questions stay open. First resume the automation.';
    case 'incident-resolved':
      return 'Superseded: the incident is already resolved.';
    case 'freeze-over':
    case 'rollback-in-progress':
    case 'superseded':
      return `Superseded: ${detail}.`;
    case 'second-person-needed':
      return 'You have already approved this. It is executed only after a second person approves it.';
    default: {
      const text = detail.replace(/^json: (?:[a-z_.]+: )?/, '');
      return `${sentence(text, services)}${/[.?!]$/.test(text) ? '' : '.'}`;
    }
  }
}

/**
 * Sends the answer and the direct messages. An answer that Slack refuses is lost: the action is on the timeline, and to
 * repeat it would be worse. The answer names people who got no direct message.
 */
async function deliver(
  { ephemeralMessages, userCache, log }: CommandDeps,
  replyTo: ReplyTo,
  { answer, isPublic = false, emails: directMessages = [] }: Outcome,
): Promise<void> {
  const isLost = (response: VendorResponse<null>, user: string): boolean => {
    if (response.kind !== 'done') log.warn('a reply could not be delivered', { user, detail: response.detail });
    // An unclear delivery does not count as lost.
    return response.kind !== 'done' && response.kind !== 'unclear';
  };
  const lost: string[] = [];
  const reached: string[] = [];
  for (const { user, message } of directMessages)
    (isLost(await ephemeralMessages.write(user, message), user) ? lost : reached).push(user);
  if (answer === null) return;
  // Timelines contain the IDs of people who are not in people.yaml. Show their names instead.
  const named = await withDisplayNames(answer, async (id) => (await userCache.user(id))?.user.name ?? undefined);
  isLost(await ephemeralMessages.send(replyTo, withEmails(named, reached, lost), isPublic), replyTo.user);
}

/** Adds who was notified by direct message, and who was not. */
function withEmails(answer: ChatMessage, reached: readonly string[], lost: readonly string[]): ChatMessage {
  const users = (ids: readonly string[]): Text => ids.flatMap((user) => [{ user }, ' ']);
  const notes: Text[] = [
    ...(reached.length === 0 ? [] : [['✉️ Notified by direct message: ', ...users(reached)]]),
    ...(lost.length === 0
      ? []
      : [['⚠️ Slack delivered no direct message, so contact them yourself: ', ...users(lost)]]),
  ];
  return { ...answer, parts: [...answer.parts, ...notes.map((text) => ({ kind: 'note' as const, text }))] };
}

/** Begins a text with a capital letter, unless it begins with a name, such as of a service or a version. */
function sentence(text: string, services: Config['services']): string {
  const [word = ''] = /^\p{Ll}[\p{L}']*(?=[\s,:.]|$)/u.exec(text) ?? [];
  return word === '' || Object.hasOwn(services, word) ? text : capitalized(text);
}
