import { randomBytes } from 'node:crypto';

/** Calls of one function in one chain of requests; the next one is dropped. AWS says "approximately 16". */
const CALLS_MAX = 16;

/**
 * Lambda counts how often each function was called in a chain of requests. The counts travel in the trace header, which
 * the SDK and SQS pass on; AWS does not document their form. Here it is `Lineage=<function>:<count>|…`.
 */
const LINEAGE = /(?:^|;)Lineage=([^;]*)/;

/** What a call of a function continues: the trace header for its own requests, and whether the call may happen. */
export type Continued = { traceId: string; calls: number; isLoop: boolean };

/** @param traceId the trace header of the caller; undefined where a new chain begins */
export function continueChain(traceId: string | undefined, functionName: string): Continued {
  const counts = countsOf(traceId);
  const calls = (counts.get(functionName) ?? 0) + 1;
  counts.set(functionName, calls);
  const lineage = [...counts].map(([name, count]) => `${name}:${count}`).join('|');
  const trace = (traceId ?? newTrace()).replace(LINEAGE, '');
  return { traceId: `${trace};Lineage=${lineage}`, calls, isLoop: calls > CALLS_MAX };
}

/**
 * The trace header for a batch of messages: of the one that has come the longest way, so that no loop hides behind a new
 * message.
 */
export function longestChain(traceIds: readonly (string | undefined)[]): string | undefined {
  const length = (traceId: string) => Math.max(0, ...countsOf(traceId).values());
  return traceIds
    .filter((one) => one !== undefined)
    .toSorted((a, b) => length(a) - length(b))
    .at(-1);
}

function countsOf(traceId: string | undefined): Map<string, number> {
  const [, lineage = ''] = LINEAGE.exec(traceId ?? '') ?? [];
  return new Map(
    lineage.split('|').flatMap((one) => {
      const [, name, count] = /^(.+):(\d+)$/.exec(one) ?? [];
      return name === undefined ? [] : [[name, Number(count)] as const];
    }),
  );
}

/** As X-Ray writes one, not sampled. */
const newTrace = (): string =>
  `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')};Sampled=0`;
