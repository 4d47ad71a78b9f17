import { createHash, randomUUID } from 'node:crypto';
import { byteLength } from '../limits.ts';
import type { ExecutionRow } from '../store.ts';

export type StartRequest = {
  functionName: string;
  version: string;
  /** Undefined to start a new execution every time. */
  name: string | undefined;
  payload: string;
  asyncStart: boolean;
  traceId: string | undefined;
  tenantId: string | undefined;
};

/** Returns a hash by which two inputs are compared byte for byte. */
export const hash = (text: string): string => createHash('sha256').update(text).digest('base64');

/** Creates the row of a new execution whose handler must be invoked. */
export function newRow({
  request,
  arn,
  now,
  parent,
}: {
  request: StartRequest;
  arn: string;
  now: number;
  parent: { arn: string; operationId: string } | undefined;
}): ExecutionRow {
  return {
    arn,
    functionName: request.functionName,
    version: request.version,
    // The ARN ends in `/durable-execution/NAME/ID`.
    name: arn.split('/').at(-2) ?? '',
    rootId: randomUUID(),
    status: 'RUNNING',
    inputHash: hash(request.payload),
    startedAt: now,
    endedAt: null,
    result: null,
    error: null,
    checkpointedResult: null,
    invocationId: null,
    invocationStartedAt: null,
    token: null,
    wake: 1,
    seq: 0,
    toldSeq: 0,
    failures: 0,
    lastEventId: 0,
    operationCount: 0,
    storedBytes: byteLength(request.payload),
    clock: now,
    clockSetAt: now,
    parentArn: parent?.arn ?? null,
    parentOperationId: parent?.operationId ?? null,
    asyncStart: request.asyncStart ? 1 : 0,
    traceId: request.traceId ?? null,
    tenantId: request.tenantId ?? null,
  };
}
