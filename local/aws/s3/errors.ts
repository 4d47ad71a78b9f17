/** An S3 error response. `code` becomes the error's name in the SDK clients. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const noSuchBucket = (): S3Error => new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');

export const noSuchKey = (): S3Error => new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');

export const preconditionFailed = (): S3Error =>
  new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');

export const invalidArgument = (message: string): S3Error => new S3Error(400, 'InvalidArgument', message);

export const badDigest = (what: string): S3Error =>
  new S3Error(400, 'BadDigest', `The ${what} you specified did not match what was received.`);

export const incompleteBody = (message: string): S3Error => new S3Error(400, 'IncompleteBody', message);

export const notImplemented = (what: string): S3Error =>
  new S3Error(501, 'NotImplemented', `${what} is not emulated here.`);

/** Returns the error for an unexpected failure, with its reason, such as a full disk. */
export const internalError = (error: unknown): S3Error =>
  new S3Error(500, 'InternalError', error instanceof Error ? error.message : String(error));
