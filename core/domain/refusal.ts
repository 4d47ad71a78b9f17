import type { ContentCode } from '../../schemas/parsing/content-codes.ts';

/** HTTP status that describes why an action is refused; the HTTP API answers with it, Slack and the CLI show the detail. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 423 | 429 | 503;

/** Refusal of a request or an action, with its reason. `code`: a heading of docs/reference/errors.md. `headers`: of the HTTP answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: RefusalStatus;
  readonly code: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: RefusalStatus, code: string, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.headers = headers;
  }
}

/** Returns the refusal of what a body, a file, or a stored input contains, as opposed to the parameters of a request. */
export const contentRefusal = (status: 400 | 422, code: ContentCode, detail: string): Refusal =>
  new Refusal(status, code, detail);
