import { randomBytes } from 'node:crypto';

/**
 * Maximum calls of one function in a chain of requests; further calls are dropped. AWS documents "approximately 16".
 */
const CALLS_MAX = 16;

/**
 * Lambda counts the calls of each function in a chain of requests. The counts travel in the trace header, which the SDK
 * and SQS propagate. AWS doesn't document their format; this emulation uses `Lineage=<function>:<count>|…`.
 */
const LINEAGE = /(?:^|;)Lineage=([^;]*)/;

/** The continuation of a chain: the trace header for the function's own requests, and whether the call is allowed. */
export type ContinuedChain = { traceId: string; calls: number; isLoop: boolean };

/** @param traceId the caller's trace header; undefined for a new chain */
export function continueChain(traceId: string | undefined, functionName: string): ContinuedChain {
  const counts = countsOf(traceId);
  const calls = (counts.get(functionName) ?? 0) + 1;
  counts.set(functionName, calls);
  const lineage = [...counts].map(([name, count]) => `${name}:${count}`).join('|');
  const trace = (traceId ?? newTrace()).replace(LINEAGE, '');
  return { traceId: `${trace};Lineage=${lineage}`, calls, isLoop: calls > CALLS_MAX };
}

/**
 * Returns the trace header for a batch of messages: that of the message with the longest chain, so that a new message
 * can't hide a loop.
 */
export function longestChain(traceIds: readonly (string | undefined)[]): string | undefined {
  const length = (traceId: string) => Math.max(0, ...countsOf(traceId).values());
  return traceIds
    .filter((traceId) => traceId !== undefined)
    .toSorted((a, b) => length(a) - length(b))
    .at(-1);
}

function countsOf(traceId: string | undefined): Map<string, number> {
  const [, lineage = ''] = LINEAGE.exec(traceId ?? '') ?? [];
  return new Map(
    lineage.split('|').flatMap((part) => {
      const [, name, count] = /^(.+):(\d+)$/.exec(part) ?? [];
      return name === undefined ? [] : [[name, Number(count)] as const];
    }),
  );
}

/** Returns a trace header in X-Ray's format, not sampled. */
const newTrace = (): string =>
  `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')};Sampled=0`;
