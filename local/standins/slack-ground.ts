import * as z from 'zod';
import { problem } from './problem.ts';
import { type Channel, idOf } from './slack-channels.ts';
import { PEOPLE, type Person } from './slack-directory.ts';
import { modalId, modalSeq, type Modal } from './slack-modals.ts';
import { tsOf } from './slack-ts.ts';
import type { Workspace } from './slack-workspace.ts';

/** One of the workspace's people, by name or id. */
export const Who = z.string().transform((given, context): Person => {
  const person = PEOPLE.find(({ id, name }) => given === id || given === name);
  if (person) return person;
  context.addIssue({ code: 'custom', message: `nobody here; there are ${PEOPLE.map(({ name }) => name).join(', ')}` });
  return z.NEVER;
});

/** A message's `ts`. */
export const Ts = z.string().transform((given, context): number => {
  const ts = tsOf(given);
  if (ts !== undefined) return ts;
  context.addIssue({ code: 'custom', message: 'not the ts of a message, which looks like 1795157400.000100' });
  return z.NEVER;
});

/** A channel by its name, with or without `#`, or by its id. */
export const channelNamed = ({ channels }: Workspace, given: string): Channel | undefined =>
  channels.byId(given) ?? channels.byName(given.replace(/^#/, ''));

/** @throws HTTPException 422 when there is none */
export function channelHere(workspace: Workspace, given: string): Channel {
  const channel = channelNamed(workspace, given);
  if (channel) return channel;
  throw problem(422, `there is no channel ${given.slice(0, 80)}; PUT /sandbox/slack/channels makes one`);
}

/** @throws HTTPException 422 when the channel is archived */
export function mustBeOpenHere(channel: Channel): void {
  if (channel.archived) throw problem(422, `#${channel.name} is archived: nobody can write there`);
}

/** The modal that somebody has open. @throws HTTPException 422 when it is not open, or another person's */
export function modalHere({ modals }: Workspace, id: string, person: Person): Modal {
  const modal = modals.bySeq(modalSeq(id) ?? 0);
  if (!modal || modal.user !== person.id) throw problem(422, `${person.name} has no modal ${id.slice(0, 64)} open`);
  return modal;
}

/** What somebody sees of the modals: the top of their stack. */
export function modalShown({ modals }: Workspace, { id: user }: Person): ModalState | null {
  const modal = modals.shown().find((one) => one.user === user);
  return modal ? { id: modalId(modal), errors: modal.errors, trouble: modal.trouble } : null;
}

export type ModalState = { id: string; errors: Record<string, string>; trouble: string };

export const noSuchMessage = (channel: Channel, ts: string) =>
  problem(422, `there is no message ${ts} in #${channel.name} (${idOf(channel)}) that this person sees`);
