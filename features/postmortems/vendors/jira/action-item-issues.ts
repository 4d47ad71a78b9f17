import * as z from 'zod';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { IssueRef, IssueState, IssueTracker } from '../../decisions/issues.ts';
import type { JiraTracker } from '../../schemas/trackers.ts';
import { InstantIn } from '../../../../schemas/time/time.ts';
import { withoutTrailingSlash } from '../../../../vendors/shared/client.ts';
import { truncate } from '../../../../vendors/shared/text.ts';
import { descriptionOf, textOf } from './adf.ts';
import { request, type JiraOptions } from './rest.ts';

const API = '/rest/api/3';

/** "Summary must be less than 255 characters." */
const SUMMARY_MAX_CHARS = 254;

const FIELDS = ['summary', 'status', 'updated', 'description'];

/** A time such as `2026-11-20T06:48:00.000+0000`. */
const JiraTime = z
  .string()
  .transform((text) => text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  .pipe(InstantIn);

const Status = z.object({ statusCategory: z.object({ key: z.string() }) });

const Issue = z.object({
  id: z.string(),
  key: z.string(),
  fields: z.object({ summary: z.string(), status: Status, updated: JiraTime, description: z.unknown() }),
});
type Issue = z.infer<typeof Issue>;

const Created = z.object({ id: z.string(), key: z.string() });
const Found = z.object({ issues: z.array(Issue) });
const Transitions = z.object({ transitions: z.array(z.object({ id: z.string(), to: Status })) });
const Ignored = z.unknown();

/**
 * Creates a client for the issues of action items in one project of Jira Cloud. An issue has the key as a label, because
 * labels can be searched without an app.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/
 */
export function jiraTracker(options: JiraOptions, { project, issueType, labels }: JiraTracker): IssueTracker {
  const call = <T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    schema: z.ZodType<T>,
    body?: object,
  ): Promise<VendorResponse<T>> => request(options, { method, path: `${API}${path}`, schema, ...(body && { body }) });
  const pathOf = ({ id }: IssueRef): string => `/issue/${encodeURIComponent(id)}`;
  const nameOf = async ({ id, key }: { id: string; key: string }): Promise<IssueRef> => ({
    id,
    key,
    url: `${withoutTrailingSlash((await options.url()) ?? '')}/browse/${encodeURIComponent(key)}`,
  });

  /** Writes once more without the assignee if Jira refuses it. A refused request has changed nothing. */
  const write = async <T>(
    method: 'POST' | 'PUT',
    path: string,
    schema: z.ZodType<T>,
    fields: object,
    assignee: string | null,
  ): Promise<VendorResponse<{ value: T; note: string | null }>> => {
    const assigned = { ...fields, ...(assignee !== null && { assignee: { id: assignee } }) };
    const first = await call(method, path, schema, { fields: assigned });
    if (first.kind === 'done') return { kind: 'done', value: { value: first.value, note: null } };
    const isAssigneeRefused =
      first.kind === 'refused' && first.code === 'bad_request' && /\bassignee:/.test(first.detail);
    if (assignee === null || !isAssigneeRefused) return first;
    const note = `not assigned to ${assignee}: ${first.detail}`;
    if (Object.keys(fields).length === 0) return { kind: 'done', value: { value: undefined as T, note } };
    const second = await call(method, path, schema, { fields });
    return second.kind === 'done' ? { kind: 'done', value: { value: second.value, note } } : second;
  };

  /** Moves the issue to a status of the wanted kind, if its workflow has a transition to one. */
  const move = async (issue: IssueRef, done: boolean): Promise<VendorResponse<null>> => {
    const path = `${pathOf(issue)}/transitions`;
    const offered = await call('GET', path, Transitions);
    if (offered.kind !== 'done') return offered;
    const categories = done ? ['done'] : ['new', 'indeterminate'];
    const transition = categories
      .map((category) => offered.value.transitions.find(({ to }) => to.statusCategory.key === category))
      .find((found) => found !== undefined);
    if (transition === undefined) {
      const detail = `the workflow of ${issue.key} offers no transition to ${done ? 'a done' : 'an open'} status now`;
      return { kind: 'refused', code: 'no_transition', detail };
    }
    const moved = await call('POST', path, Ignored, { transition: { id: transition.id } });
    return moved.kind === 'done' ? { kind: 'done', value: null } : moved;
  };

  return {
    async find(key) {
      const jql = `project = "${project}" AND labels = "${labelOf(key)}"`;
      const found = await call('POST', '/search/jql', Found, { jql, fields: FIELDS, maxResults: 1 });
      // A search without a response has changed nothing, although it is a POST.
      if (found.kind === 'unclear') return { ...found, kind: 'later', afterSeconds: null };
      if (found.kind !== 'done') return found;
      const [issue] = found.value.issues;
      const value = issue === undefined ? null : { ...(await nameOf(issue)), ...stateOf(issue) };
      return { kind: 'done', value };
    },
    async create({ key, title, facts, assignee }) {
      const fields = {
        project: { key: project },
        issuetype: { name: issueType },
        summary: shownTitle(title),
        description: descriptionOf(facts),
        labels: [...new Set(['firebreak', labelOf(key), ...labels])],
      };
      const created = await write('POST', '/issue', Created, fields, assignee);
      return created.kind === 'done'
        ? { kind: 'done', value: { ...(await nameOf(created.value.value)), note: created.value.note } }
        : created;
    },
    async read(issue) {
      const found = await call('GET', `${pathOf(issue)}?fields=${FIELDS.join(',')}`, Issue);
      return found.kind === 'done' ? { kind: 'done', value: stateOf(found.value) } : found;
    },
    async change(issue, { title, done, facts, assignee = null }) {
      let description: object | undefined;
      if (facts !== undefined) {
        const current = await call('GET', `${pathOf(issue)}?fields=${FIELDS.join(',')}`, Issue);
        if (current.kind !== 'done') return current;
        // A text that people have edited stays.
        if (textOf(current.value.fields.description) === textOf(descriptionOf(facts.before)))
          description = descriptionOf(facts.facts);
      }
      const fields = {
        ...(title !== undefined && { summary: shownTitle(title) }),
        ...(description !== undefined && { description }),
      };
      let note: string | null = null;
      if (Object.keys(fields).length > 0 || assignee !== null) {
        const edited = await write('PUT', pathOf(issue), Ignored, fields, assignee);
        if (edited.kind !== 'done') return edited;
        ({ note } = edited.value);
      }
      const moved = done === undefined ? null : await move(issue, done);
      return moved === null || moved.kind === 'done' ? { kind: 'done', value: { note } } : moved;
    },
    shownTitle,
  };
}

/** Labels have no spaces, and at most 255 characters. */
const labelOf = (key: string): string => `firebreak-${key}`;

const stateOf = ({ fields: { summary, status, updated } }: Issue): IssueState => ({
  title: summary,
  done: status.statusCategory.key === 'done',
  updatedAt: updated,
});

const shownTitle = (title: string): string =>
  truncate(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim(), SUMMARY_MAX_CHARS);
