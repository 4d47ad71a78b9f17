import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ComponentStatus } from './states.ts';
import { documents } from '../core/exchanges.ts';
import type { ComponentChange } from './request.ts';

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

export type Components = ReturnType<typeof openComponents>;

export function openComponents(db: DatabaseSync) {
  const stored = documents<Component>(db, 'statuspage component');
  const put = (component: Component): Component => stored.put(component, component.id);
  const add = ({ name, description, status }: ComponentChange & { name: string }, at: number): Component => {
    const position = stored.count() + 1;
    const shown = { name, description: description ?? null, status: status ?? 'operational' } as const;
    const times = { created_at: at, updated_at: at };
    return put({ id: idOf('component', position), position, ...shown, ...times, group_id: null, members: [] });
  };
  /** Creates the components whose names are not on the page yet, as an admin does in Statuspage. */
  const provide = (names: readonly string[], at: number): void => {
    const existing = new Set(stored.all().map(({ name }) => name));
    for (const name of new Set(names))
      if (!existing.has(name)) add({ name, description: undefined, status: undefined }, at);
  };
  return {
    /** Returns components in the order of the page. */
    all: () => stored.all(),
    get: (id: string) => stored.get(id),
    add,
    provide,
    change(id: string, { name, description, status }: ComponentChange, at: number): void {
      const before = stored.get(id);
      if (before === undefined) return;
      const { name: oldName, description: oldDescription, status: oldStatus } = before;
      const shown = { name: name ?? oldName, description: description ?? oldDescription, status: status ?? oldStatus };
      put({ ...before, ...shown, updated_at: at });
    },
    /** Creates a group, which Statuspage lists as a component, with components of these names. */
    group(name: string, members: readonly string[], at: number): void {
      provide([name, ...members], at);
      const group = stored.all().find((one) => one.name === name);
      if (group === undefined) return;
      const own = stored.all().filter((one) => members.includes(one.name));
      for (const one of own) put({ ...one, group_id: group.id });
      put({ ...group, members: [...new Set([...group.members, ...own.map(({ id }) => id)])] });
    },
  };
}

/** Returns an ID of twelve characters in the vendor's format, which is always the same for the same object. */
export function idOf(kind: 'component' | 'incident' | 'update', number: number): string {
  const hash = createHash('sha256').update(`${kind} ${number}`).digest('hex');
  return BigInt(`0x${hash}`).toString(36).slice(0, 12);
}
