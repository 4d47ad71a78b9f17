import type { DatabaseSync } from 'node:sqlite';

export const issueTables = `
  create table if not exists github_issues (
    id integer primary key,
    repository text not null collate nocase,
    number integer not null,
    title text not null,
    body text,
    state text not null,
    state_reason text,
    labels text not null,
    assignees text not null default '[]',
    created_at integer not null,
    updated_at integer not null,
    closed_at integer,
    unique (repository, number)
  );
  create table if not exists github_comments (
    id integer primary key,
    issue integer not null references github_issues (id),
    body text not null,
    created_at integer not null
  );
  create index if not exists github_comments_by_issue on github_comments (issue);
`;

/** An issue. Times are in milliseconds since the Unix epoch. */
export type Issue = {
  id: number;
  /** `owner/name` in its first spelling. Names are case-insensitive. */
  repository: string;
  number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  state_reason: string | null;
  labels: string[];
  assignees: string[];
  created_at: number;
  updated_at: number;
  closed_at: number | null;
};

export type Comment = { id: number; body: string; created_at: number };

/** Changes of an issue. Undefined fields stay unchanged. */
export type IssueChange = {
  title: string | undefined;
  body: string | null | undefined;
  labels: string[] | undefined;
  assignees: string[] | undefined;
  state: 'open' | 'closed' | undefined;
  stateReason: string | null | undefined;
};

export type Issues = {
  /** Returns the issues of a repository, or of all repositories if undefined. Newest first. */
  all(repository: string | undefined): Issue[];
  get(repository: string, number: number): Issue | undefined;
  open(repository: string, issue: IssueChange & { title: string }, at: number): Issue;
  change(issue: Issue, change: IssueChange, at: number): Issue;
  /** Returns the comments of an issue, oldest first. */
  comments(issue: Issue): Comment[];
  comment(issue: Issue, body: string, at: number): Comment;
};

type Row = Omit<Issue, 'labels' | 'assignees'> & { labels: string; assignees: string };

/** Adds the column that a data folder of version 0.1.0 lacks. */
function addAssignees(db: DatabaseSync): void {
  const found = db.prepare(`select 1 from pragma_table_info('github_issues') where name = 'assignees'`).get();
  if (found === undefined) db.exec(`alter table github_issues add column assignees text not null default '[]'`);
}

export function openIssues(db: DatabaseSync): Issues {
  addAssignees(db);
  const all = db.prepare(`
    select * from github_issues where (:repository is null or repository = :repository) order by id desc`);
  const get = db.prepare('select * from github_issues where repository = ? and number = ?');
  // Issues and pull requests share one sequence of numbers.
  const insert = db.prepare(`
    insert into github_issues (repository, number, title, body, state, labels, assignees, created_at, updated_at)
    values (:repository, 1 + (select count(*) from github_issues where repository = :repository)
        + (select count(*) from github_pulls where repository = :repository),
      :title, :body, 'open', :labels, :assignees, :at, :at) returning *`);
  const change = db.prepare(`
    update github_issues
    set title = :title, body = :body, state = :state, state_reason = :state_reason, labels = :labels,
      assignees = :assignees,
      updated_at = :updated_at, closed_at = :closed_at
    where id = :id returning *`);
  const comments = db.prepare('select id, body, created_at from github_comments where issue = ? order by id');
  const addComment = db.prepare(`
    insert into github_comments (issue, body, created_at) values (?, ?, ?) returning id, body, created_at`);
  const touch = db.prepare('update github_issues set updated_at = ? where id = ?');

  return {
    all: (repository) => (all.all({ repository: repository ?? null }) as Row[]).map(issueOf),
    get(repository, number) {
      const row = get.get(repository, number) as Row | undefined;
      return row && issueOf(row);
    },
    open: (repository, { title, body, labels, assignees }, at) =>
      issueOf(
        insert.get({
          repository,
          title,
          body: body ?? null,
          labels: JSON.stringify(labels ?? []),
          assignees: JSON.stringify(assignees ?? []),
          at,
        }) as Row,
      ),
    change: (issue, update, at) => issueOf(change.get(changedRow(issue, update, at)) as Row),
    comments: ({ id }) => comments.all(id) as Comment[],
    comment({ id }, body, at) {
      touch.run(at, id);
      return addComment.get(id, body, at) as Comment;
    },
  };
}

function changedRow(before: Issue, change: IssueChange, at: number): Omit<Row, 'repository' | 'number' | 'created_at'> {
  const state = change.state ?? before.state;
  const closes = state === 'closed' && before.state === 'open';
  const reopens = state === 'open' && before.state === 'closed';
  const defaultReason = closes ? 'completed' : reopens ? 'reopened' : before.state_reason;
  return {
    id: before.id,
    title: change.title ?? before.title,
    body: change.body === undefined ? before.body : change.body,
    state,
    state_reason: change.stateReason ?? defaultReason,
    labels: JSON.stringify(change.labels ?? before.labels),
    assignees: JSON.stringify(change.assignees ?? before.assignees),
    updated_at: at,
    closed_at: state === 'open' ? null : (before.closed_at ?? at),
  };
}

const issueOf = (row: Row): Issue => ({
  ...row,
  labels: JSON.parse(row.labels) as string[],
  assignees: JSON.parse(row.assignees) as string[],
});
