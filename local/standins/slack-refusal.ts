export type Fields = Readonly<Record<string, unknown>>;

/**
 * Slack's word for a call that it does not do: HTTP 200 with `ok: false`. What the handler has changed by then stays,
 * so it comes before any change. Too many calls are no refusal but a 429.
 */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: string;
  /** Further fields of the answer. */
  readonly more: Fields;

  constructor(code: string, more: Fields = {}) {
    super(code);
    this.code = code;
    this.more = more;
  }
}

/** What is wrong, in the two places where Slack tells it. */
export const complaints = (errors: readonly string[]): Fields => ({
  errors,
  response_metadata: { messages: errors.map((error) => `[ERROR] ${error}`) },
});
