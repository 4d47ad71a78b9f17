import type { DatabaseSync } from 'node:sqlite';
import { timestamp } from '../../../../schemas/time/time.ts';

/** Maximum number of deliveries after a start, which deletes older ones. */
const DELIVERIES_MAX = 2_000;

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
  delete from slack_deliveries where seq <= (select max(seq) from slack_deliveries) - ${DELIVERIES_MAX};
`;

/** One request to the product. */
export type Outgoing = {
  path: 'commands' | 'interactions' | 'events';
  /** The command, or the type of the interaction or event. */
  what: string;
  /** The ID of the person who acted. */
  user: string;
  contentType: 'application/x-www-form-urlencoded' | 'application/json';
  body: string;
};

/** The product's response. */
export type ProductResponse = {
  /** `null` if there was no response. */
  status: number | null;
  body: string;
  /** Slack's error code; `null` if there was a response. */
  error: 'operation_timeout' | 'connection_failed' | null;
  /** Whether the product asked not to retry: `X-Slack-No-Retry: 1`. */
  noRetry: boolean;
};

export type Delivery = Outgoing & {
  seq: number;
  at: number;
  /** Number of attempts so far. */
  attempts: number;
  status: number | null;
  answer: string;
  error: string | null;
  /** Time of the next attempt in milliseconds since the Unix epoch; `null` for none. */
  due_at: number | null;
};

/** A delivery as `GET /sandbox/slack/deliveries` shows it. */
export type DeliveryShown = {
  id: string;
  path: string;
  what: string;
  user: string;
  /** The body: JSON, or the fields of the form. JSON in the field `payload` is parsed. */
  body: unknown;
  at: string;
  attempts: number;
  status: number | null;
  /** Parsed if it is JSON, otherwise the text; `null` if it is empty. */
  answer: unknown;
  error: string | null;
  next_at: string | null;
};

export type Deliveries = {
  /**
   * @param dueAt time of the next attempt if the process ends before the first one; `null` for interactions, whose
   *   callers don't wait that long
   */
  begin(outgoing: Outgoing, at: number, dueAt: number | null): Delivery;
  /** @param dueAt time of the next attempt; `null` for none */
  recordAttempt(seq: number, answer: ProductResponse, dueAt: number | null): Delivery;
  pending(): Delivery[];
  /** Returns deliveries, newest first. */
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
    recordAttempt: (seq, { status, body, error }, dueAt) => deliveryOf(end.get(status, body, error, dueAt, seq) as Row),
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
