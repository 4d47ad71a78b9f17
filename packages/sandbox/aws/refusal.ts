/** An error response in AWS's wording. `code` is the name of the exception that the SDKs throw. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }

  /** Returns the error in the format of AWS JSON 1.1. */
  toJson = (): Response =>
    Response.json(
      { __type: this.code, message: this.message },
      { status: this.status, headers: { 'content-type': 'application/x-amz-json-1.1' } },
    );

  /** Returns the error in the format of REST JSON. */
  toRest = (): Response =>
    Response.json(
      { Type: this.status < 500 ? 'User' : 'Service', Message: this.message },
      { status: this.status, headers: { 'x-amzn-errortype': this.code } },
    );

  /** Returns the error in the format of the query protocol. */
  toXml = (): Response =>
    new Response(
      `<ErrorResponse><Error><Type>Sender</Type><Code>${this.code}</Code><Message>${escaped(this.message)}</Message></Error></ErrorResponse>`,
      { status: this.status, headers: { 'content-type': 'text/xml' } },
    );
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
