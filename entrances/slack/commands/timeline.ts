import { namelessUsersIn, plainText } from '../../../core/domain/slack/commands/text.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { note as addNote } from '../../../core/actions/incidents/declare-incident.ts';
import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { incidentOfChannel } from '../execution/channel.ts';
import type { CommandDeps } from '../deps.ts';
import { actorFor } from '../execution/known-user.ts';
import { answered, Declined, NOTHING } from '../outcome.ts';
import { quoted } from '../modals/blocks.ts';
import { type ModalContext, FIELDS } from '../modals/form.ts';
import type { ActionContext, IncidentVerb, RunVerb, RunIncidentVerb, Verb, WithDialog } from './verb.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** `/incident note`, the shortcut "Add to the timeline", and 📌. */

type Note = { text: string };

export const note: IncidentVerb<Note> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'note',
  usage: 'note TEXT',
  description: 'add a note to the timeline; to add a message, mark it with 📌',
  parse({ textFrom }) {
    const text = textFrom(0);
    return text === null ? { error: 'the text of the note is missing', suggestion: 'TEXT' } : { text };
  },
  startingWith: ({ text }, word) => ({ text: `${word} ${text}` }),
  freeText: ({ text }) => text,
  neverLate: true,
};

export const runNote: RunIncidentVerb<Note> = async (deps, { caller, key }, id, { text }) => {
  await addNote(deps, caller, { id, key, text, detail: null });
  return answered('Added to the timeline.');
};

/** A chat message to add to a timeline. `text`: fallback if the message can't be read. */
export type Message = { channel: string; ts: string; text: string | null; author: string | null };

/** Returns the message from which a dialog was opened. */
export const messageOf = ({ channel, message }: ModalContext): Message | null =>
  channel === null || message === null
    ? null
    : { channel, ts: message.ts, text: message.text || null, author: message.author };

/** The shortcut. Outside of an incident's channel, it asks for the incident. */
export const pin: WithDialog<IncidentVerb<never, Message>> = {
  permission: 'incidents:write',
  ofIncident: true,
  dialog: {
    id: 'pin_message',
    title: 'Add to the timeline',
    submit: 'Add',
    field: FIELDS.incident,
    isNeededFor: () => true,
    blocks: ({ modalContext, incidentFields }) => [
      ...incidentFields,
      ...(modalContext.message === null ? [] : quoted(modalContext.message.text)),
    ],
    read: (_fields, modalContext) => messageOf(modalContext) ?? undefined,
    afterResolve: true,
  },
  neverLate: true,
};

export const runPin: RunIncidentVerb<Message> = async (deps, actionContext, id, message) => {
  await addMessage(deps, actionContext, id, message);
  return answered('Added to the timeline.');
};

/** Names of the reaction 📌. */
export const PINS: readonly string[] = ['pushpin', 'round_pushpin'];

/** The reaction 📌, which people also use for other purposes. It counts only in incident channels, without an answer. */
export const pinReaction: Verb<Message> = { permission: 'incidents:write', neverLate: true };

export const runPinReaction: RunVerb<Message> = async (deps, actionContext, message, { where }) => {
  const id = await incidentOfChannel(deps, where.channel);
  if (id !== undefined) await addMessage(deps, actionContext, id, message);
  return NOTHING;
};

const NOTE_MAX_CHARS = 3500;

/** Adds a message to the timeline, once even if several people mark it. The first person is the actor of the entry. */
export async function addMessage(
  deps: CommandDeps,
  { caller }: Pick<ActionContext, 'caller'>,
  id: IncidentId,
  message: Message,
): Promise<void> {
  caller.allow('incidents:write', await requireIncident(deps, id));
  const response = await deps.directory.message(message.channel, message.ts);
  const original = response.kind === 'done' ? response.value : null;
  // The text in the request may be truncated, and mentions people without their names.
  const text = (original === null ? null : await readableText(deps, original.text)) || message.text;
  if (text === null) {
    const why = response.kind === 'done' ? 'it does not exist any more' : response.detail;
    throw new Declined(`The message could not be read, so it was not added to the timeline: ${why}.`);
  }
  const author = message.author ?? original?.user ?? null;
  const by = author === null ? '' : `${await displayName(deps, author)}: `;
  await addNote(deps, caller, {
    id,
    key: `pinned-${message.channel}-${message.ts}`,
    text: truncated(`${by}${text}`, NOTE_MAX_CHARS),
    pinned: true,
    detail: { channel: message.channel, ts: message.ts, url: original?.url ?? null },
  });
}

/** Returns the text as its author sees it: unescaped, and with people's names. */
async function readableText(deps: CommandDeps, text: string): Promise<string> {
  const names = await Promise.all(
    namelessUsersIn(text).map(async (user): Promise<[string, string]> => [user, await displayName(deps, user)]),
  );
  return plainText(text, new Map(names));
}

/** Returns the display name of a user, also of one without permissions. */
async function displayName(deps: CommandDeps, user: string): Promise<string> {
  const person = await actorFor(deps, user);
  return person.ok ? person.actor.shown : ((await deps.userCache.user(user))?.user.name ?? user);
}
