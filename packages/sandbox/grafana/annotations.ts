import type { DatabaseSync } from 'node:sqlite';
import { tagsMatch } from './tags.ts';

export const annotationTables = `
  create table if not exists grafana_annotations (
    id integer primary key autoincrement,
    dashboard_uid text,
    panel_id integer not null,
    time integer not null,
    time_end integer not null,
    text text not null,
    tags text not null,
    created integer not null,
    updated integer not null
  );
`;

/**
 * An annotation. If it ends when it starts, it is a point in time; otherwise a region. Times are in milliseconds since
 * the Unix epoch.
 */
export type Annotation = {
  id: number;
  dashboard_uid: string | null;
  panel_id: number;
  time: number;
  time_end: number;
  text: string;
  tags: string[];
  created: number;
  updated: number;
};

export type AnnotationFilter = {
  /** Annotations that overlap the time between both. Without one of them, the time is not limited. */
  from: number;
  to: number;
  tags: readonly string[];
  matchAny: boolean;
  dashboardUid: string | undefined;
  limit: number;
};

export type Annotations = {
  add(annotation: Omit<Annotation, 'id' | 'created' | 'updated'>, at: number): number;
  get(id: number): Annotation | undefined;
  /** Returns annotations, the latest end first. */
  find(filter: AnnotationFilter): Annotation[];
  change(annotation: Pick<Annotation, 'id' | 'time' | 'time_end' | 'text' | 'tags'>, at: number): void;
  remove(id: number): void;
};

type Row = Omit<Annotation, 'tags'> & { tags: string };

export function openAnnotations(db: DatabaseSync): Annotations {
  const insert = db.prepare(`
    insert into grafana_annotations (dashboard_uid, panel_id, time, time_end, text, tags, created, updated)
    values (:dashboard_uid, :panel_id, :time, :time_end, :text, :tags, :at, :at)`);
  const get = db.prepare('select * from grafana_annotations where id = ?');
  const search = db.prepare(`
    select * from grafana_annotations
    where (:from <= 0 or :to <= 0 or (time <= :to and time_end >= :from))
      and (:dashboardUid is null or dashboard_uid = :dashboardUid)
    order by time_end desc, time desc, id desc`);
  const change = db.prepare(`
    update grafana_annotations set time = :time, time_end = :time_end, text = :text, tags = :tags, updated = :at
    where id = :id`);
  const remove = db.prepare('delete from grafana_annotations where id = ?');

  return {
    add: (annotation, at) =>
      Number(insert.run({ ...annotation, tags: JSON.stringify(annotation.tags), at }).lastInsertRowid),
    get(id) {
      const row = get.get(id) as Row | undefined;
      return row && annotationOf(row);
    },
    find: ({ from, to, tags, matchAny, dashboardUid, limit }) =>
      (search.all({ from, to, dashboardUid: dashboardUid ?? null }) as Row[])
        .map(annotationOf)
        .filter((annotation) => tagsMatch(annotation.tags, tags, matchAny))
        .slice(0, limit),
    change: ({ id, time, time_end, text, tags }, at) =>
      void change.run({ id, time, time_end, text, tags: JSON.stringify(tags), at }),
    remove: (id) => void remove.run(id),
  };
}

const annotationOf = (row: Row): Annotation => ({ ...row, tags: JSON.parse(row.tags) as string[] });
