import { namelessUsersIn, plainText } from '../../domain/slack/commands/text.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { note } from '../../actions/incidents/declare-incident.ts';
import { view } from '../../actions/incidents/incident-view.ts';
import { actorFor } from './known-user.ts';
import type { ActionRequest } from './command.ts';
import type { Acting } from './incidents.ts';
import { answered, Declined, NOTHING, type Outcome } from './outcome.ts';
import type { CommandDeps } from './deps.ts';

const NOTE_MAX_CHARS = 3500;

/** Adds a message to the timeline, once even if several people mark it. The first person is the actor of the entry. */
export async function pinned(
  deps: CommandDeps,
  { who }: Pick<Acting, 'who'>,
  id: IncidentId,
  deed: Extract<ActionRequest, { act: 'pin' }>,
): Promise<Outcome> {
  who.allow('incidents:write', await view(deps, id));
  const told = await deps.directory.message(deed.channel, deed.ts);
  const seen = told.kind === 'done' ? told.value : null;
  // The text in the request may be truncated, and mentions people without their names.
  const text = (seen === null ? null : await readable(deps, seen.text)) || deed.text;
  if (text === null) {
    const why = told.kind === 'done' ? 'it does not exist any more' : told.detail;
    throw new Declined(`The message could not be read, so it was not added to the timeline: ${why}.`);
  }
  const author = deed.author ?? seen?.user ?? null;
  const by = author === null ? '' : `${await shownAs(deps, author)}: `;
  await note(deps, who, {
    id,
    key: `pinned-${deed.channel}-${deed.ts}`,
    text: `${by}${text}`.slice(0, NOTE_MAX_CHARS).toWellFormed(),
    pinned: true,
    detail: { channel: deed.channel, ts: deed.ts, url: seen?.url ?? null },
  });
  return deed.asked ? answered('Added to the timeline.') : NOTHING;
}

/** Returns the text as its author sees it: unescaped, and with people's names. */
async function readable(deps: CommandDeps, text: string): Promise<string> {
  const names = await Promise.all(
    namelessUsersIn(text).map(async (user): Promise<[string, string]> => [user, await shownAs(deps, user)]),
  );
  return plainText(text, new Map(names));
}

/** Returns the display name of a user, also of one without permissions. */
async function shownAs(deps: CommandDeps, user: string): Promise<string> {
  const found = await actorFor(deps, user);
  return found.ok ? found.actor.shown : ((await deps.userCache.user(user))?.user.name ?? user);
}
