import type { DatabaseSync } from 'node:sqlite';

export const issueTables = `
  create table if not exists jira_issues (
    id integer primary key,
    project text not null,
    number integer not null,
    summary text not null,
    description text,
    status text not null,
    labels text not null,
    assignee text,
    created_at integer not null,
    updated_at integer not null,
    unique (project, number)
  );
`;

/** A node of the Atlassian Document Format. */
export type AdfNode = { type: string; text?: string; content?: AdfNode[]; marks?: object[]; version?: number };

/** The statuses of the workflow, by ID, with their categories. */
export const STATUSES = {
  '10000': { name: 'To Do', category: 'new' },
  '10001': { name: 'In Progress', category: 'indeterminate' },
  '10002': { name: 'Done', category: 'done' },
} as const;
export type StatusId = keyof typeof STATUSES;

/** The transitions of the workflow. Those of other statuses are not available. */
export const TRANSITIONS: readonly { id: string; name: string; from: readonly StatusId[]; to: StatusId }[] = [
  { id: '21', name: 'Start', from: ['10000'], to: '10001' },
  { id: '31', name: 'Done', from: ['10000', '10001'], to: '10002' },
  { id: '41', name: 'Reopen', from: ['10002'], to: '10000' },
];

/** An issue. Times are in milliseconds since the Unix epoch. */
export type Issue = {
  id: number;
  project: string;
  number: number;
  summary: string;
  description: AdfNode | null;
  status: StatusId;
  labels: string[];
  /** Account ID. */
  assignee: string | null;
  created_at: number;
  updated_at: number;
};

export type Fields = Partial<Pick<Issue, 'summary' | 'description' | 'labels' | 'assignee' | 'status'>>;

type Row = Omit<Issue, 'labels' | 'description'> & { labels: string; description: string | null };

/** IDs of issues begin here, so that they differ from numbers in keys. */
const FIRST_ID = 10_000;

export function openIssues(db: DatabaseSync) {
  const all = db.prepare('select * from jira_issues order by id desc');
  const byId = db.prepare('select * from jira_issues where id = ?');
  const byKey = db.prepare('select * from jira_issues where project = ? and number = ?');
  const insert = db.prepare(`
    insert into jira_issues (id, project, number, summary, description, status, labels, assignee, created_at, updated_at)
    values (:first + (select count(*) from jira_issues), :project,
      1 + (select count(*) from jira_issues where project = :project),
      :summary, :description, '10000', :labels, :assignee, :at, :at) returning *`);
  const update = db.prepare(`
    update jira_issues set summary = :summary, description = :description, status = :status, labels = :labels,
      assignee = :assignee, updated_at = :at where id = :id returning *`);
  return {
    all: (): Issue[] => (all.all() as Row[]).map(issueOf),
    /** @param idOrKey `10001` or `OPS-2` */
    get(idOrKey: string): Issue | undefined {
      const [, project, number] = /^([A-Z][A-Z0-9_]*)-(\d{1,9})$/i.exec(idOrKey) ?? [];
      const row = (project === undefined ? byId.get(idOrKey) : byKey.get(project.toUpperCase(), Number(number))) as
        | Row
        | undefined;
      return row && issueOf(row);
    },
    create: (project: string, fields: Fields & { summary: string }, at: number): Issue =>
      issueOf(insert.get({ first: FIRST_ID, project, ...storable(fields), at }) as Row),
    change: (issue: Issue, change: Fields, at: number): Issue => {
      const { summary, description, labels, assignee } = storable({ ...issue, ...change });
      const status = change.status ?? issue.status;
      return issueOf(update.get({ id: issue.id, summary, description, labels, assignee, status, at }) as Row);
    },
  };
}
export type Issues = ReturnType<typeof openIssues>;

const storable = ({ summary, description = null, labels = [], assignee = null }: Fields & { summary: string }) => ({
  summary,
  description: description === null ? null : JSON.stringify(description),
  labels: JSON.stringify(labels),
  assignee,
});

const issueOf = (row: Row): Issue => ({
  ...row,
  labels: JSON.parse(row.labels) as string[],
  description: row.description === null ? null : (JSON.parse(row.description) as AdfNode),
});

export const keyOf = ({ project, number }: Pick<Issue, 'project' | 'number'>): string => `${project}-${number}`;
