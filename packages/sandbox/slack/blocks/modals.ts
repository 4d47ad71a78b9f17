import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { documents } from '../../core/exchanges.ts';
import type { View } from './modal-check.ts';
import type { Values } from '../state.ts';

/** One view of a stack of modals that a person has open. */
export type Modal = {
  seq: number;
  user: string;
  /** The `seq` of the bottom view of its stack. */
  root: number;
  /** The `seq` of the view below; `null` at the bottom. */
  previous: number | null;
  view: View;
  /** Entered and selected values, which override the initial values. */
  given: Values;
  hash: string;
  /** Errors of the app about the last submission, by `block_id`. */
  errors: Record<string, string>;
  /** Slack's own error about the last submission; empty if there is none. */
  problem: string;
};

export type Modals = ReturnType<typeof openModals>;

export const modalId = ({ seq }: Pick<Modal, 'seq'>): string => `V0${seq.toString(36).toUpperCase().padStart(8, '0')}`;

/** Returns the number in a modal's ID; `undefined` if the text is not a modal's ID. The inverse of `modalId`. */
export function modalSeq(id: string): number | undefined {
  const digits = /^V0([0-9A-Z]{8})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

export function openModals(db: DatabaseSync) {
  const opened = documents<Modal>(db, 'slack modal');
  // Closed modals stay as an empty document, so that no other one gets their ID.
  const ids = documents<null>(db, 'slack modal ID');
  const put = (modal: Modal): Modal => opened.put(modal, String(modal.seq));
  const hashAt = (at: number): string => `${Math.floor(at / 1000)}.${randomBytes(4).toString('hex')}`;
  const close = ({ seq }: Modal): void => opened.drop(String(seq));
  const closeIf = (isClosed: (modal: Modal) => boolean): void => opened.all().filter(isClosed).forEach(close);
  const add = (user: string, below: Modal | null, view: View, at: number): Modal => {
    const seq = ids.count() + 1;
    ids.put(null, String(seq));
    const place = { seq, user, root: below?.root ?? seq, previous: below?.seq ?? null };
    return put({ ...place, view, hash: hashAt(at), given: {}, errors: {}, problem: '' });
  };
  return {
    /** Opens a modal, and closes the person's other modals. @param at milliseconds since the Unix epoch */
    open(user: string, view: View, at: number): Modal {
      closeIf((modal) => modal.user === user);
      return add(user, null, view, at);
    },
    /** Pushes a view onto the stack. */
    push: (below: Modal, view: View, at: number) => add(below.user, below, view, at),
    update: (modal: Modal, view: View, at: number): Modal =>
      put({ ...(opened.get(String(modal.seq)) ?? modal), view, hash: hashAt(at), errors: {}, problem: '' }),
    saveState: (modal: Modal, change: Partial<Pick<Modal, 'given' | 'errors' | 'problem'>>): Modal =>
      put({ ...modal, ...change }),
    close,
    /** Closes the complete stack of a view. */
    clear: ({ root }: Modal): void => closeIf((modal) => modal.root === root),
    /** Returns an open view. */
    bySeq: (seq: number) => opened.get(String(seq)),
    byExternalId: (id: string) => opened.all().find(({ view }) => view.external_id === id),
    /** Returns the views of a stack, from bottom to top. */
    stack: (root: number): Modal[] => opened.all().filter((modal) => modal.root === root),
    /** Returns the view that each person sees: the top of each stack. */
    shown(): Modal[] {
      const all = opened.all();
      return all.filter(({ seq }) => !all.some(({ previous }) => previous === seq));
    },
  };
}
