import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ComponentStatus } from '../../../schemas/status/states.ts';
import type { ComponentChange } from './request.ts';

export const componentTables = `
  create table if not exists statuspage_components (
    id text primary key,
    position integer not null,
    name text not null,
    description text,
    status text not null,
    created_at integer not null,
    updated_at integer not null
  );
  create table if not exists statuspage_groups (
    component text primary key,
    group_id text not null
  );
`;

/** A component. Times are in milliseconds since the Unix epoch. */
export type Component = {
  id: string;
  position: number;
  name: string;
  description: string | null;
  status: ComponentStatus;
  created_at: number;
  updated_at: number;
  /** The group that it belongs to. Null: none. */
  group_id: string | null;
  /** The components of a group. Empty: it is not a group. */
  members: string[];
};

type Row = Omit<Component, 'group_id' | 'members'>;

export type Components = {
  /** Returns components in the order of the page. */
  all(): Component[];
  get(id: string): Component | undefined;
  add(component: ComponentChange & { name: string }, at: number): Component;
  change(id: string, change: ComponentChange, at: number): void;
  /** Creates the components whose names are not on the page yet, as an admin does in Statuspage. */
  provide(names: readonly string[], at: number): void;
  /** Creates a group, which Statuspage lists as a component, with components of these names. */
  group(name: string, members: readonly string[], at: number): void;
};

export function openComponents(db: DatabaseSync): Components {
  const all = db.prepare('select * from statuspage_components order by position');
  const get = db.prepare('select * from statuspage_components where id = ?');
  const insert = db.prepare(`
    insert into statuspage_components (id, position, name, description, status, created_at, updated_at)
    values (:id, :position, :name, :description, :status, :at, :at) returning *`);
  const change = db.prepare(`
    update statuspage_components
    set name = coalesce(:name, name), description = coalesce(:description, description),
      status = coalesce(:status, status), updated_at = :at
    where id = :id`);

  const groupOf = db.prepare('select group_id from statuspage_groups where component = ?');
  const membersOf = db.prepare('select component from statuspage_groups where group_id = ?');
  const addToGroup = db.prepare('insert or replace into statuspage_groups (component, group_id) values (?, ?)');
  const componentOf = (row: Row): Component => ({
    ...row,
    group_id: (groupOf.get(row.id) as { group_id: string } | undefined)?.group_id ?? null,
    members: (membersOf.all(row.id) as { component: string }[]).map(({ component }) => component),
  });

  const list = () => (all.all() as Row[]).map(componentOf);
  const add: Components['add'] = ({ name, description, status }, at) => {
    const position = (list().at(-1)?.position ?? 0) + 1;
    const row = { id: idOf('component', position), position, name, description: description ?? null, at };
    return componentOf(insert.get({ ...row, status: status ?? 'operational' }) as Row);
  };
  return {
    all: list,
    get(id) {
      const row = get.get(id) as Row | undefined;
      return row && componentOf(row);
    },
    group(name, members, at) {
      this.provide([name, ...members], at);
      const group = list().find((one) => one.name === name);
      for (const one of list()) if (group !== undefined && members.includes(one.name)) addToGroup.run(one.id, group.id);
    },
    add,
    change: (id, { name, description, status }, at) =>
      void change.run({ id, name: name ?? null, description: description ?? null, status: status ?? null, at }),
    provide(names, at) {
      const existingNames = new Set(list().map(({ name }) => name));
      for (const name of new Set(names)) {
        if (!existingNames.has(name)) add({ name, description: undefined, status: undefined }, at);
      }
    },
  };
}

/** Returns an ID of twelve characters in the vendor's format, which is always the same for the same object. */
export function idOf(kind: 'component' | 'incident' | 'update', number: number): string {
  const hash = createHash('sha256').update(`${kind} ${number}`).digest('hex');
  return BigInt(`0x${hash}`).toString(36).slice(0, 12);
}
