import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export const recordTables = `
  create table if not exists aws_records (
    zone text not null,
    name text not null,
    type text not null,
    identifier text not null,
    fields text not null,
    primary key (zone, name, type, identifier)
  );
  create table if not exists aws_record_changes (
    id text primary key,
    zone text not null,
    comment text not null,
    submitted_at integer not null
  );
  create table if not exists aws_record_refusals (
    seq integer primary key,
    code text not null,
    message text not null
  );
`;

/** A record set in the fields of the API, all of them as text. */
export const RecordSet = z
  .looseObject({
    Name: z.string().min(1),
    Type: z.enum(['A', 'AAAA', 'CNAME']),
    SetIdentifier: z.string().min(1).max(128).optional(),
    Weight: z.string().regex(/^\d+$/).optional(),
    TTL: z.string().regex(/^\d+$/).optional(),
  })
  .transform((fields) => ({ ...fields, Name: absoluteName(fields.Name) }));
export type RecordSet = z.infer<typeof RecordSet>;

/** Returns a name as Route 53 stores it: in lowercase, with a final dot, and `*` as an octal code. */
export const absoluteName = (name: string): string =>
  `${name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\*/, String.raw`\052`)}.`;

export type RecordChange = { id: string; zone: string; comment: string; submitted_at: number };

export function openRecords(db: DatabaseSync) {
  const all = db.prepare('select zone, fields from aws_records order by zone, name, type, identifier');
  const inZone = db.prepare('select fields from aws_records where zone = ? order by name, type, identifier');
  const put = db.prepare(`
    insert or replace into aws_records (zone, name, type, identifier, fields) values (?, ?, ?, ?, ?)`);
  const remove = db.prepare('delete from aws_records where zone = ? and name = ? and type = ? and identifier = ?');
  const submit = db.prepare('insert into aws_record_changes (id, zone, comment, submitted_at) values (?, ?, ?, ?)');
  const change = db.prepare('select * from aws_record_changes where id = ?');
  const changes = db.prepare('select * from aws_record_changes order by submitted_at, rowid');
  const refuse = db.prepare('insert into aws_record_refusals (code, message) values (?, ?)');
  const refusal = db.prepare('select * from aws_record_refusals order by seq limit 1');
  const removeRefusal = db.prepare('delete from aws_record_refusals where seq = ?');
  const read = (row: unknown): RecordSet => RecordSet.parse(JSON.parse((row as { fields: string }).fields));
  return {
    all: () => (all.all() as { zone: string; fields: string }[]).map((row) => ({ zone: row.zone, record: read(row) })),
    /** Returns the record sets of a zone. A zone exists if it has one. */
    zone: (zone: string): RecordSet[] => inZone.all(zone).map(read),
    put: (zone: string, record: RecordSet): void =>
      void put.run(zone, record.Name, record.Type, record.SetIdentifier ?? '', JSON.stringify(record)),
    remove: (zone: string, { Name, Type, SetIdentifier = '' }: RecordSet): void =>
      void remove.run(zone, Name, Type, SetIdentifier),
    submit: (one: RecordChange): void => void submit.run(one.id, one.zone, one.comment, one.submitted_at),
    change: (id: string) => change.get(id) as RecordChange | undefined,
    changes: () => changes.all() as RecordChange[],
    /** Makes the next call end with this error. */
    refuseNext: (code: string, message: string): void => void refuse.run(code, message),
    takeRefusal(): { code: string; message: string } | undefined {
      const found = refusal.get() as { seq: number; code: string; message: string } | undefined;
      if (found !== undefined) removeRefusal.run(found.seq);
      return found;
    },
  };
}
