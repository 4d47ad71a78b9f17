import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { View } from './modal-check.ts';
import type { Values } from '../state.ts';

export const modalTables = `
  create table if not exists slack_modals (
    seq integer primary key autoincrement,
    user text not null,
    root integer not null,
    previous integer,
    view text not null,
    given text not null,
    hash text not null,
    external_id text not null,
    errors text not null default '{}',
    problem text not null default '',
    open integer not null default 1
  );
  create index if not exists slack_modals_open on slack_modals (user) where open = 1;
`;

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

export type Modals = {
  /** Opens a modal, and closes the person's other modals. @param at milliseconds since the Unix epoch */
  open(user: string, view: View, at: number): Modal;
  /** Pushes a view onto the stack. */
  push(below: Modal, view: View, at: number): Modal;
  update(modal: Modal, view: View, at: number): Modal;
  saveState(modal: Modal, change: Partial<Pick<Modal, 'given' | 'errors' | 'problem'>>): Modal;
  close(modal: Modal): void;
  /** Closes the complete stack of a view. */
  clear(modal: Modal): void;
  /** Returns an open view. */
  bySeq(seq: number): Modal | undefined;
  byExternalId(id: string): Modal | undefined;
  /** Returns the views of a stack, from bottom to top. */
  stack(root: number): Modal[];
  /** Returns the view that each person sees: the top of each stack. */
  shown(): Modal[];
};

export const modalId = ({ seq }: Pick<Modal, 'seq'>): string => `V0${seq.toString(36).toUpperCase().padStart(8, '0')}`;

/** Returns the number in a modal's ID; `undefined` if the text is not a modal's ID. The inverse of `modalId`. */
export function modalSeq(id: string): number | undefined {
  const digits = /^V0([0-9A-Z]{8})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

/** Renames a column of databases of earlier releases. */
function renameOldColumn(db: DatabaseSync): void {
  const found = db.prepare(`select 1 from pragma_table_info('slack_modals') where name = 'trouble'`).get();
  if (found !== undefined) db.exec('alter table slack_modals rename column trouble to problem');
}

type Row = Omit<Modal, 'view' | 'given' | 'errors'> & { view: string; given: string; errors: string };

export function openModals(db: DatabaseSync): Modals {
  renameOldColumn(db);
  const insert = db.prepare(`
    insert into slack_modals (user, root, previous, view, given, hash, external_id)
    values (:user, :root, :previous, :view, '{}', :hash, :external_id) returning *`);
  const setRoot = db.prepare('update slack_modals set root = seq where seq = ? returning *');
  const update = db.prepare(`
    update slack_modals set view = ?, hash = ?, external_id = ?, errors = '{}', problem = ''
    where seq = ? returning *`);
  const saveState = db.prepare('update slack_modals set given = ?, errors = ?, problem = ? where seq = ?');
  const closeAllOf = db.prepare('update slack_modals set open = 0 where user = ? and open = 1');
  const close = db.prepare('update slack_modals set open = 0 where seq = ?');
  const clear = db.prepare('update slack_modals set open = 0 where root = ?');
  const bySeq = db.prepare('select * from slack_modals where seq = ? and open = 1');
  const byExternal = db.prepare('select * from slack_modals where external_id = ? and open = 1');
  const stack = db.prepare('select * from slack_modals where root = ? and open = 1 order by seq');
  const shown = db.prepare('select * from slack_modals where open = 1 order by seq');

  const columns = (view: View, at: number) => ({
    view: JSON.stringify(view),
    hash: `${Math.floor(at / 1000)}.${randomBytes(4).toString('hex')}`,
    external_id: view.external_id,
  });

  return {
    open(user, view, at) {
      closeAllOf.run(user);
      const { seq } = insert.get({ user, root: 0, previous: null, ...columns(view, at) }) as Row;
      return modalOf(setRoot.get(seq) as Row);
    },
    push: ({ user, root, seq: previous }, view, at) =>
      modalOf(insert.get({ user, root, previous, ...columns(view, at) }) as Row),
    update({ seq }, view, at) {
      const { view: json, hash, external_id: externalId } = columns(view, at);
      return modalOf(update.get(json, hash, externalId, seq) as Row);
    },
    saveState(modal, change) {
      const saved = { ...modal, ...change };
      saveState.run(JSON.stringify(saved.given), JSON.stringify(saved.errors), saved.problem, modal.seq);
      return saved;
    },
    close: ({ seq }) => void close.run(seq),
    clear: ({ root }) => void clear.run(root),
    bySeq(seq) {
      const row = bySeq.get(seq) as Row | undefined;
      return row && modalOf(row);
    },
    byExternalId(id) {
      const row = byExternal.get(id) as Row | undefined;
      return row && modalOf(row);
    },
    stack: (root) => (stack.all(root) as Row[]).map(modalOf),
    shown() {
      const all = (shown.all() as Row[]).map(modalOf);
      return all.filter(({ seq }) => !all.some(({ previous }) => previous === seq));
    },
  };
}

const modalOf = ({ seq, user, root, previous, view, given, hash, errors, problem }: Row): Modal => ({
  seq,
  user,
  root,
  previous,
  view: JSON.parse(view) as View,
  given: JSON.parse(given) as Values,
  hash,
  errors: JSON.parse(errors) as Record<string, string>,
  problem,
});
