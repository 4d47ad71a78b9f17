import { HTTPException } from 'hono/http-exception';

/** @see https://kubernetes.io/docs/reference/using-api/api-concepts/#response-body-for-errors */
const REASONS = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
} as const;

export type FailureCode = keyof typeof REASONS;

/** Returns the Status object that the API server sends for an error. */
export function failureResponse(code: FailureCode, message: string, headers: Record<string, string> = {}): Response {
  const reason = code === 409 && message.endsWith('already exists') ? 'AlreadyExists' : REASONS[code];
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  return Response.json(status, { status: code, headers });
}

/** Returns an error to throw. */
export const failure = (code: FailureCode, message: string): HTTPException =>
  new HTTPException(code, { res: failureResponse(code, message), message });
