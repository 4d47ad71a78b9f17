export type Fields = Readonly<Record<string, unknown>>;

/**
 * Slack's error code for a failed call: HTTP 200 with `ok: false`. Changes made before it are kept, so throw it before
 * any change. A rate limit is not such an error, but a 429.
 */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: string;
  /** Additional fields of the response. */
  readonly extraFields: Fields;

  constructor(code: string, extraFields: Fields = {}) {
    super(code);
    this.code = code;
    this.extraFields = extraFields;
  }
}

/** Returns error details in the two fields where Slack has them. */
export const errorDetails = (errors: readonly string[]): Fields => ({
  errors,
  response_metadata: { messages: errors.map((error) => `[ERROR] ${error}`) },
});
