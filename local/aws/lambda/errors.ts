/**
 * An answer of the Lambda API that is not a success: `type` goes into `x-amzn-errortype`, so that the SDK throws the
 * exception of that name. An error that a *function* threw is no `ApiError`: Invoke answers 200 for it.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: string;
  readonly status: number;

  constructor(type: string, status: number, message: string) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

export const invalidParameter = (message: string) => new ApiError('InvalidParameterValueException', 400, message);
export const notFound = (message: string) => new ApiError('ResourceNotFoundException', 404, message);
export const tooLarge = (message: string) => new ApiError('RequestTooLargeException', 413, message);

/** The durable SDK recognises a stale token by exactly these letters, and then lets the invocation be retried. */
export const invalidToken = () => invalidParameter('Invalid Checkpoint Token');
