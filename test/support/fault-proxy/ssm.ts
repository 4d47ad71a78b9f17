import { type Faults, json, lateAnswer, lostAnswer, refused, type Send, targetOf } from './wire.ts';

export type SsmFault =
  /** As when many functions start at once: the account's default limit for GetParameters is low. */
  'throttled' | 'internal-error' | 'lost-answer' | 'late-answer';

export function ssmFaults({ send, lateMs }: { send: Send; lateMs: number }): Faults<SsmFault> {
  const any = () => true;
  return {
    operationOf: targetOf,
    faults: {
      throttled: refused(any, () => error(400, 'ThrottlingException', 'Rate exceeded')),
      'internal-error': refused(any, () => error(500, 'InternalServerError', 'An internal error has occurred.')),
      'lost-answer': lostAnswer(any),
      'late-answer': lateAnswer(lateMs),
    },
    send,
    close: async () => {},
  };
}

const error = (status: number, name: string, message: string) =>
  json(status, { __type: name, message }, { 'content-type': 'application/x-amz-json-1.1' });
