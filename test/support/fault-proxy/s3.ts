import type { ForwardedRequest } from '../forward.ts';
import { type Call, type Faults, lateAnswer, lostAnswer, refused, type Reply, type Send } from './wire.ts';

export type S3Fault =
  | 'slow-down'
  | 'internal-error'
  /** An object is read or written, and the connection breaks before the response. */
  | 'lost-answer'
  | 'late-answer';

const isOfObject = ({ operation }: Call): boolean => operation.endsWith('Object');

export function s3Faults({ send, lateMs }: { send: Send; lateMs: number }): Faults<S3Fault> {
  return {
    operationOf,
    faults: {
      'slow-down': refused(isOfObject, () => error(503, 'SlowDown', 'Please reduce your request rate.')),
      'internal-error': refused(isOfObject, () =>
        error(500, 'InternalError', 'We encountered an internal error. Please try again.'),
      ),
      'lost-answer': lostAnswer(isOfObject),
      'late-answer': lateAnswer(lateMs),
    },
    send,
    close: async () => {},
  };
}

const OF_OBJECTS: Record<string, string> = { GET: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject' };

/**
 * Returns the operation of a path-style URL (`/bucket/key`). Operations that are not about an object are named by their
 * method.
 */
function operationOf({ method, path }: ForwardedRequest): string {
  const hasKey = /^\/[^/?]+\/[^?]/.test(path);
  return (hasKey ? OF_OBJECTS[method] : undefined) ?? method;
}

const error = (status: number, code: string, message: string): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  ),
});
