import type { DatabaseSync } from 'node:sqlite';
import { timestamp } from '../../schemas/time.ts';

/** Older ones are dropped at start. */
const KEPT = 2_000;

export const deliveryTables = `
  create table if not exists slack_deliveries (
    seq integer primary key autoincrement,
    path text not null,
    what text not null,
    user text not null,
    content_type text not null,
    body text not null,
    at integer not null,
    attempts integer not null default 0,
    status integer,
    answer text not null default '',
    error text,
    due_at integer
  );
  delete from slack_deliveries where seq <= (select max(seq) from slack_deliveries) - ${KEPT};
`;

/** One request to the product. */
export type Outgoing = {
  path: 'commands' | 'interactions' | 'events';
  /** The command, or the kind of the interaction or the event. */
  what: string;
  /** The id of who did it. */
  user: string;
  contentType: 'application/x-www-form-urlencoded' | 'application/json';
  body: string;
};

/** What came back. */
export type Answer = {
  /** `null` when there was none. */
  status: number | null;
  body: string;
  /** Slack's word for why; `null` when there was an answer. */
  error: 'operation_timeout' | 'connection_failed' | null;
  /** The product does not want it again: `X-Slack-No-Retry: 1`. */
  noRetry: boolean;
};

export type Delivery = Outgoing & {
  seq: number;
  at: number;
  /** How often it was sent. */
  attempts: number;
  status: number | null;
  answer: string;
  error: string | null;
  /** When it is sent again, in milliseconds since the Unix epoch; `null`: never. */
  due_at: number | null;
};

/** One as `GET /sandbox/slack/deliveries` shows it. */
export type DeliveryShown = {
  id: string;
  path: string;
  what: string;
  user: string;
  /** What was sent: JSON, or the fields of the form; what is JSON in `payload` is read as well. */
  body: unknown;
  at: string;
  attempts: number;
  status: number | null;
  /** Parsed when it is JSON, else the text; `null` when it is empty. */
  answer: unknown;
  error: string | null;
  next_at: string | null;
};

export type Deliveries = {
  /** @param dueAt when it is sent should the process end before it was; `null`: never, nobody would wait for it */
  begin(outgoing: Outgoing, at: number, dueAt: number | null): Delivery;
  /** @param dueAt when it is sent again; `null`: never */
  ended(seq: number, answer: Answer, dueAt: number | null): Delivery;
  pending(): Delivery[];
  /** Newest first. */
  newest(limit: number): Delivery[];
};

type Row = Omit<Delivery, 'contentType'> & { content_type: Outgoing['contentType'] };

export function openDeliveries(db: DatabaseSync): Deliveries {
  const insert = db.prepare(`
    insert into slack_deliveries (path, what, user, content_type, body, at, due_at)
    values (?, ?, ?, ?, ?, ?, ?) returning *`);
  const end = db.prepare(`
    update slack_deliveries set attempts = attempts + 1, status = ?, answer = ?, error = ?, due_at = ?
    where seq = ? returning *`);
  const pending = db.prepare('select * from slack_deliveries where due_at is not null order by due_at');
  const newest = db.prepare('select * from slack_deliveries order by seq desc limit ?');

  return {
    begin: ({ path, what, user, contentType, body }, at, dueAt) =>
      deliveryOf(insert.get(path, what, user, contentType, body, at, dueAt) as Row),
    ended: (seq, { status, body, error }, dueAt) => deliveryOf(end.get(status, body, error, dueAt, seq) as Row),
    pending: () => (pending.all() as Row[]).map(deliveryOf),
    newest: (limit) => (newest.all(limit) as Row[]).map(deliveryOf),
  };
}

const deliveryOf = ({ content_type: contentType, ...row }: Row): Delivery => ({ ...row, contentType });

export const shownDelivery = (delivery: Delivery): DeliveryShown => ({
  id: `delivery_${delivery.seq}`,
  path: `/integrations/slack/${delivery.path}`,
  what: delivery.what,
  user: delivery.user,
  body: shownBody(delivery),
  at: timestamp(delivery.at),
  attempts: delivery.attempts,
  status: delivery.status,
  answer: delivery.answer === '' ? null : (jsonOf(delivery.answer) ?? delivery.answer),
  error: delivery.error,
  next_at: delivery.due_at === null ? null : timestamp(delivery.due_at),
});

function shownBody({ contentType, body }: Delivery): unknown {
  if (contentType === 'application/json') return jsonOf(body);
  const { payload, ...fields } = Object.fromEntries(new URLSearchParams(body));
  return { ...fields, ...(payload !== undefined && { payload: jsonOf(payload) }) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
