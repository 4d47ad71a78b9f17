import type { AdfNode, Fields } from './issues.ts';

/** Issues cannot be assigned to accounts whose ID ends with this, in any project. */
const NOT_ASSIGNABLE_SUFFIX = '-stranger';

const LABEL_MAX_CHARS = 255;
const SUMMARY_MAX_CHARS = 255;

/** Error messages by field, as in the response. */
export type FieldErrors = Record<string, string>;

/**
 * Reads the fields of a new or changed issue. The messages are those of Jira Cloud: `test/fixtures/jira/SOURCES.md`.
 *
 * @param isNew whether the required fields must be there
 */
export function readFields(
  fields: Readonly<Record<string, unknown>>,
  isNew: boolean,
): Fields | { errors: FieldErrors } {
  const { project, issuetype, summary, description, labels, assignee, ...others } = fields;
  const errors: FieldErrors = {
    ...(isNew && !isNamed(project, ['key', 'id']) && { project: 'Specify a valid project ID or key' }),
    ...(isNew && !isNamed(issuetype, ['name', 'id']) && { issuetype: 'Specify an issue type' }),
    ...summaryError(summary, isNew),
    ...(description != null &&
      !isDocument(description) && {
        description: 'Operation value must be an Atlassian Document (see the Atlassian Document Format)',
      }),
    ...labelErrors(labels),
    ...assigneeErrors(assignee),
  };
  for (const name of Object.keys(others))
    errors[name] = `Field '${name}' cannot be set. It is not on the appropriate screen, or unknown.`;
  if (Object.keys(errors).length > 0) return { errors };
  return {
    ...(typeof summary === 'string' && { summary }),
    ...(description !== undefined && { description: description as AdfNode | null }),
    ...(labels !== undefined && { labels: [...new Set(labels as string[])] }),
    ...(assignee !== undefined && { assignee: accountOf(assignee) }),
  };
}

const isNamed = (value: unknown, names: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && names.some((name) => typeof Reflect.get(value, name) === 'string');

function summaryError(summary: unknown, isNew: boolean): FieldErrors {
  if (summary === undefined) return isNew ? { summary: 'You must specify a summary of the issue.' } : {};
  if (typeof summary !== 'string') return { summary: 'Operation value must be a string' };
  if (summary.trim() === '') return { summary: 'You must specify a summary of the issue.' };
  if (/[\r\n]/.test(summary)) return { summary: 'The summary is invalid because it contains newline characters.' };
  return summary.length >= SUMMARY_MAX_CHARS
    ? { summary: `Summary must be less than ${SUMMARY_MAX_CHARS} characters.` }
    : {};
}

function labelErrors(labels: unknown): FieldErrors {
  if (labels === undefined) return {};
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string'))
    return { labels: 'Specify the value for labels in an array of strings' };
  const spaced = labels.find((label) => /\s/.test(label));
  if (spaced !== undefined) return { labels: `The label '${spaced}' contains spaces which is invalid.` };
  const long = labels.find((label) => label.length > LABEL_MAX_CHARS);
  return long === undefined ? {} : { labels: `The label '${long}' exceeds the maximum length for a single label.` };
}

function assigneeErrors(assignee: unknown): FieldErrors {
  const account = accountOf(assignee);
  return account?.endsWith(NOT_ASSIGNABLE_SUFFIX) ? { assignee: `User '${account}' cannot be assigned issues.` } : {};
}

function accountOf(assignee: unknown): string | null {
  if (typeof assignee !== 'object' || assignee === null) return null;
  const id: unknown = Reflect.get(assignee, 'id') ?? Reflect.get(assignee, 'accountId');
  return typeof id === 'string' ? id : null;
}

/** Returns whether the value is a document whose nodes have types, and whose texts are not empty. */
function isDocument(value: unknown): boolean {
  const isNode = (node: unknown): boolean => {
    if (typeof node !== 'object' || node === null) return false;
    const { type, text, content } = node as Partial<AdfNode>;
    if (typeof type !== 'string') return false;
    if (type === 'text') return typeof text === 'string' && text !== '';
    return content === undefined || (Array.isArray(content) && content.every(isNode));
  };
  return isNode(value) && (value as AdfNode).type === 'doc' && (value as AdfNode).version === 1;
}
