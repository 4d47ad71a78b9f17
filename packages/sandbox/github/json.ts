import { isoSeconds } from './answers.ts';
import type { Comment, Issue } from './issues.ts';

/** The stand-in's own origin, for links in responses. */
type Origin = string;

/** The only user, and the author of all content. */
export const LOGIN = 'firebreak';

/**
 * Issues in the format of the API. Fields that the stand-in has no data for are omitted.
 *
 * @see https://docs.github.com/en/rest/issues/issues (read 2026-11)
 */
export const issueJson = (origin: Origin, issue: Issue, comments: number): object => ({
  id: issue.id,
  node_id: nodeId('I', issue.id),
  url: apiUrl(origin, issue),
  repository_url: `${origin}/repos/${issue.repository}`,
  comments_url: `${apiUrl(origin, issue)}/comments`,
  html_url: pageUrl(origin, issue),
  number: issue.number,
  state: issue.state,
  state_reason: issue.state_reason,
  title: issue.title,
  body: issue.body,
  user: user(origin),
  labels: issue.labels.map((name) => ({ name, color: 'ededed', default: false, description: null })),
  assignee: issue.assignees[0] === undefined ? null : user(origin, issue.assignees[0]),
  assignees: issue.assignees.map((login) => user(origin, login)),
  milestone: null,
  locked: false,
  active_lock_reason: null,
  comments,
  closed_at: issue.closed_at === null ? null : isoSeconds(issue.closed_at),
  created_at: isoSeconds(issue.created_at),
  updated_at: isoSeconds(issue.updated_at),
  author_association: 'MEMBER',
});

export const commentJson = (origin: Origin, issue: Issue, comment: Comment): object => ({
  id: comment.id,
  node_id: nodeId('IC', comment.id),
  url: `${origin}/repos/${issue.repository}/issues/comments/${comment.id}`,
  html_url: `${pageUrl(origin, issue)}#issuecomment-${comment.id}`,
  issue_url: apiUrl(origin, issue),
  body: comment.body,
  user: user(origin),
  created_at: isoSeconds(comment.created_at),
  updated_at: isoSeconds(comment.created_at),
  author_association: 'MEMBER',
});

const apiUrl = (origin: Origin, { repository, number }: Issue): string =>
  `${origin}/repos/${repository}/issues/${number}`;

const pageUrl = (origin: Origin, { repository, number }: Issue): string => `${origin}/${repository}/issues/${number}`;

const user = (origin: Origin, login = LOGIN): object => ({
  login,
  id: 1,
  node_id: nodeId('U', 1),
  url: `${origin}/users/${login}`,
  type: 'User',
  site_admin: false,
});

const nodeId = (kind: string, id: number): string => `${kind}_${Buffer.from(String(id)).toString('base64url')}`;
