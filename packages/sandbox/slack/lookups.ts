import * as z from 'zod';
import { problem } from '../core/problem.ts';
import { type Channel, idOf } from './channels.ts';
import { PEOPLE, type Person } from './directory.ts';
import { modalId, modalSeq, type Modal } from './blocks/modals.ts';
import { tsOf } from './ts.ts';
import type { Workspace } from './workspace.ts';

/** A person in the workspace, by name or ID. */
export const WorkspaceUser = z.string().transform((given, context): Person => {
  const person = PEOPLE.find(({ id, name }) => given === id || given === name);
  if (person) return person;
  context.addIssue({ code: 'custom', message: `unknown person; people: ${PEOPLE.map(({ name }) => name).join(', ')}` });
  return z.NEVER;
});

/** A message's `ts`. */
export const Ts = z.string().transform((given, context): number => {
  const ts = tsOf(given);
  if (ts !== undefined) return ts;
  context.addIssue({ code: 'custom', message: 'not a message ts such as 1795157400.000100' });
  return z.NEVER;
});

/** Returns a channel by name, with or without `#`, or by ID. */
export const channelNamed = ({ channels }: Workspace, given: string): Channel | undefined =>
  channels.byId(given) ?? channels.byName(given.replace(/^#/, ''));

/** @throws HTTPException 422 if there is no such channel */
export function requireChannel(workspace: Workspace, given: string): Channel {
  const channel = channelNamed(workspace, given);
  if (channel) return channel;
  throw problem(422, `there is no channel ${given.slice(0, 80)}; create it with PUT /sandbox/slack/channels`);
}

/** @throws HTTPException 422 if the channel is archived */
export function requireOpenChannel(channel: Channel): void {
  if (channel.archived) throw problem(422, `#${channel.name} is archived; no one can post there`);
}

/** Returns a modal that a person has open. @throws HTTPException 422 if it is not open, or another person's */
export function requireModal({ modals }: Workspace, id: string, person: Person): Modal {
  const modal = modals.bySeq(modalSeq(id) ?? 0);
  if (!modal || modal.user !== person.id) throw problem(422, `${person.name} has no modal ${id.slice(0, 64)} open`);
  return modal;
}

/** Returns the modal that a person sees: the top of their stack. */
export function modalShown({ modals }: Workspace, { id: user }: Person): ModalState | null {
  const modal = modals.shown().find((one) => one.user === user);
  return modal ? { id: modalId(modal), errors: modal.errors, problem: modal.problem } : null;
}

export type ModalState = { id: string; errors: Record<string, string>; problem: string };

export const messageNotFound = (channel: Channel, ts: string) =>
  problem(422, `there is no message ${ts} in #${channel.name} (${idOf(channel)}) that this person can see`);
