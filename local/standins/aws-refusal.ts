/** What AWS refuses, in its words. `code` is the name by which the SDKs throw it. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }

  /** As AWS JSON 1.1 has it. */
  toJson = (): Response =>
    Response.json(
      { __type: this.code, message: this.message },
      { status: this.status, headers: { 'content-type': 'application/x-amz-json-1.1' } },
    );

  /** As REST JSON has it. */
  toRest = (): Response =>
    Response.json(
      { Type: this.status < 500 ? 'User' : 'Service', Message: this.message },
      { status: this.status, headers: { 'x-amzn-errortype': this.code } },
    );

  /** As the query protocol has it. */
  toXml = (): Response =>
    new Response(
      `<ErrorResponse><Error><Type>Sender</Type><Code>${this.code}</Code><Message>${this.message}</Message></Error></ErrorResponse>`,
      { status: this.status, headers: { 'content-type': 'text/xml' } },
    );
}
