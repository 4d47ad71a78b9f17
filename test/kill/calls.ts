/** One HTTP request of the product to a vendor, when it leaves the process. */
export type OutgoingCall = { method: string; path: string; body: string };

/** A transaction of the product, when it leaves for the thread that writes. */
export type Transaction = { name: string; args: unknown };

type Key = { pk?: unknown; sk?: unknown };
type Write = { kind: string; item?: Key; key?: Key };
type Update = { set?: object; add?: object };
type StepUpdate = { Action: string; Name?: string; Type: string };
type Arguments = {
  writes: Write[];
  key: Key;
  update: Update;
  queue: string;
  updates: StepUpdate[];
};

/**
 * Returns names for the effect of a transaction that are the same in every run: kinds of keys instead of keys, names of
 * steps instead of their IDs. Transactions of one name are distinguished by their order. A checkpoint has a name for each
 * of its updates, since chance decides which updates are sent together.
 */
export function transactionNames({ name, args }: Transaction): readonly string[] {
  const { writes, key, update, queue, updates } = args as Arguments;
  switch (name) {
    case 'store.write':
      return [
        `Write ${writes.map((write) => `${verbOf(write)} ${keyKind(write.item ?? write.key ?? {})}`).join(', ')}`,
      ];
    case 'store.update':
      return [`Update ${keyKind(key)} ${Object.keys(update.set ?? update.add ?? {})[0] ?? ''}`.trimEnd()];
    case 'queues.send':
      return [`Send ${queue}`];
    case 'executions.checkpoint':
      return updates.map(({ Action, Name, Type }) => `Checkpoint ${Action} ${Name ?? Type}`);
    default:
      return [name];
  }
}

export const verbOf = ({ kind }: { kind: string }): string => kind.charAt(0).toUpperCase() + kind.slice(1);

/** Returns the kinds of keys, such as `INC/TL` for `INC#01K… / TL#2026-…`. */
export function keyKind({ pk = '', sk = '' }: Key): string {
  const [partition = ''] = String(pk).split('#');
  const [sort = ''] = String(sk).split('#');
  return /^[A-Z]+$/.test(sort) && sort !== partition ? `${partition}/${sort}` : partition;
}

/** Returns whether a transaction only serves projections, or the queues themselves: a mark, a lease, a wake-up, a count. */
export const isShowing = (name: string): boolean => OF_PROJECTIONS.some((calls) => calls.test(name));

const OF_PROJECTIONS = [
  /^(?:Write (?:Put|Update|Remove|Check)|Update) (?:DUE|PROJECTOR|PRJ|COUNTER)\b[^,]*$/, // excludes marks within another transaction
  /^Send (?:slack|statuspage|grafana|tickets)$/,
  /^queues\./,
];

/** Returns the name of a call to a vendor. */
export function nameOf({ method, path, body }: OutgoingCall): string {
  if (path === '/v2/enqueue') return `PagerDuty ${parse<{ event_action?: string }>(body).event_action ?? ''}`;
  if (path.endsWith('/rollback')) return 'CD roll-back';
  if (path.includes('/rollback/')) return 'CD status';
  // The instances of a controlled look are named after the incident.
  return outletName(method, path) ?? `${method} ${path.replace(/-look-[0-9a-f]{16}/, '-look')}`;
}

/** Returns the name of a call to a vendor that shows incidents. Reads are GET requests, except in Slack. */
function outletName(method: string, path: string): string | undefined {
  const [, slack] = /^\/api\/([a-z]+\.[a-zA-Z.]+)$/.exec(path) ?? [];
  if (slack !== undefined) return `Slack ${slack}`;
  const [, statuspage] = /^\/v1\/pages\/\w+\/(\w+)/.exec(path) ?? [];
  if (statuspage !== undefined) return `Statuspage ${method} ${statuspage}`;
  if (path.startsWith('/api/annotations')) return `Grafana ${method} annotations`;
  const [, github] = /^\/repos\/.*\/(issues|comments)$/.exec(path) ?? [];
  return github === undefined ? undefined : `GitHub ${method} ${github}`;
}

/** Returns an empty object for invalid JSON. This only makes the name less specific. */
function parse<T extends object>(body: string): Partial<T> {
  try {
    return JSON.parse(body) as Partial<T>;
  } catch {
    return {};
  }
}
