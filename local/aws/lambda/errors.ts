/**
 * An error response of the Lambda API. `type` becomes `x-amzn-errortype`, so that the SDK throws the exception with
 * that name. An error that a *function* throws is not an `ApiError`: Invoke responds with 200 to it.
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

/** The durable SDK recognizes a stale token by exactly this message, and then allows a retry of the invocation. */
export const invalidToken = () => invalidParameter('Invalid Checkpoint Token');
