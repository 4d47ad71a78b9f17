import type { IssueChange } from './issues.ts';

/**
 * Maximum number of characters. GitHub does not document these limits; its error messages contain them.
 *
 * @see https://github.com/dead-claudia/github-limits (titles, bodies; read 2026-11)
 */
const TITLE_MAX_CHARS = 256;
const BODY_MAX_CHARS = 65_536;
const LABEL_MAX_CHARS = 50;

type ValidationError = { resource: string; code: string; field: string; message?: string; value?: string };

/**
 * An error response: 400 if the body is not a JSON object, 422 if its content is invalid. `Validation Failed` comes
 * with `errors`.
 */
export type Refusal = { status: 400 | 422; message: string; errors?: ValidationError[] };

type Fields = Readonly<Record<string, unknown>>;

/** @param isNew whether the issue is new, and needs a title */
export function readIssue(text: string, isNew: boolean): IssueChange | Refusal {
  const fields = parse(text);
  if ('refusal' in fields) return fields.refusal;
  const { title, body, labels, assignees, state, state_reason: stateReason } = fields.fields;
  if (isNew && title === undefined) return invalid('"title" wasn\'t supplied.');
  const error = typeError(fields.fields);
  if (error !== undefined) return invalid(error);

  const names = Array.isArray(labels) ? labels.map(nameOf) : undefined;
  const errors = [...titleErrors(title), ...bodyErrors(body), ...labelErrors(names), ...assigneeErrors(assignees)];
  if (errors.length > 0) return { status: 422, message: 'Validation Failed', errors };
  return {
    title: textOf(title),
    body: body as string | null | undefined,
    labels: names && [...new Set(names)],
    assignees: assignees as string[] | undefined,
    state: state as IssueChange['state'],
    stateReason: stateReason as string | null | undefined,
  };
}

export function readComment(text: string): { body: string } | Refusal {
  const fields = parse(text);
  if ('refusal' in fields) return fields.refusal;
  const { body } = fields.fields;
  if (body === undefined) return invalid('"body" wasn\'t supplied.');
  if (typeof body !== 'string') return invalid("For 'properties/body', it is not a string.");
  const message = body.trim() === '' ? 'Body cannot be blank' : tooLong('Body', body, BODY_MAX_CHARS);
  if (message === undefined) return { body };
  const error = { resource: 'IssueComment', code: 'unprocessable', field: 'data', message };
  return { status: 422, message: 'Validation Failed', errors: [error] };
}

function parse(text: string): { fields: Fields } | { refusal: Refusal } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { refusal: { status: 400, message: 'Problems parsing JSON' } };
  }
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return isObject ? { fields: json as Fields } : { refusal: { status: 400, message: 'Body should be a JSON object' } };
}

const invalid = (what: string): Refusal => ({ status: 422, message: `Invalid request.\n\n${what}` });

/** Returns the error for the first field of a type that the API does not accept. */
function typeError({ title, body, labels, assignees, state, state_reason: reason }: Fields): string | undefined {
  if (title !== undefined && typeof title !== 'string' && typeof title !== 'number') {
    return "For 'properties/title', it is not a string or an integer.";
  }
  if (body !== undefined && body !== null && typeof body !== 'string')
    return "For 'properties/body', it is not a string.";
  if (labels !== undefined && !(Array.isArray(labels) && labels.every((label) => nameOf(label) !== ''))) {
    return "For 'properties/labels', it is not an array of names.";
  }
  if (assignees !== undefined && !(Array.isArray(assignees) && assignees.every((one) => typeof one === 'string'))) {
    return "For 'properties/assignees', it is not an array of logins.";
  }
  if (state !== undefined && state !== 'open' && state !== 'closed') {
    return 'For \'properties/state\', it is not a member of ["open", "closed"].';
  }
  const reasons: unknown[] = [undefined, null, 'completed', 'not_planned', 'duplicate', 'reopened'];
  return reasons.includes(reason) ? undefined : "For 'properties/state_reason', it is not a reason.";
}

/** Returns a title as text. The API also accepts numbers. */
function textOf(title: unknown): string | undefined {
  if (typeof title === 'number') return String(title);
  return typeof title === 'string' ? title : undefined;
}

/** Returns the name of a label that is a text or an object. Empty if it is neither. */
function nameOf(label: unknown): string {
  const name = typeof label === 'object' && label !== null && 'name' in label ? label.name : label;
  return typeof name === 'string' ? name : '';
}

function titleErrors(title: unknown): ValidationError[] {
  if (title === undefined) return [];
  const text = textOf(title) ?? '';
  if (text.trim() === '') return [{ resource: 'Issue', code: 'missing_field', field: 'title' }];
  return customError('Issue', 'title', tooLong('title', text, TITLE_MAX_CHARS));
}

const bodyErrors = (body: unknown): ValidationError[] =>
  customError('Issue', 'body', tooLong('body', typeof body === 'string' ? body : '', BODY_MAX_CHARS));

const labelErrors = (names: readonly string[] = []): ValidationError[] =>
  names.flatMap((name) => customError('Label', 'name', tooLong('name', name, LABEL_MAX_CHARS)));

/** Users whose login ends with this are not collaborators of any repository, so issues cannot be assigned to them. */
const NOT_ASSIGNABLE_SUFFIX = '-stranger';

const assigneeErrors = (logins: unknown): ValidationError[] =>
  (Array.isArray(logins) ? (logins as string[]) : [])
    .filter((login) => login.endsWith(NOT_ASSIGNABLE_SUFFIX))
    .map((value) => ({ resource: 'Issue', code: 'invalid', field: 'assignees', value }));

const customError = (resource: string, field: string, message: string | undefined): ValidationError[] =>
  message === undefined ? [] : [{ resource, code: 'custom', field, message }];

const tooLong = (field: string, text: string, max: number): string | undefined =>
  [...text].length > max ? `${field} is too long (maximum is ${max} characters)` : undefined;
