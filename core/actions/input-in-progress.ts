import { AsyncLocalStorage } from 'node:async_hooks';
import { sha256 } from '../stores/hash.ts';

/** What the process works on. `route`: pattern of the request's route. `body`: undefined before it was read. */
export type Input =
  | {
      kind: 'request';
      method: string;
      path: string;
      route?: string | undefined;
      request_id: string;
      /** Name of the sender, if its credential is valid. */
      source?: string | undefined;
      address: string;
      content_type: string;
      /** Type of a GitHub event, which its body does not name. */
      event?: string | undefined;
      body?: Uint8Array | undefined;
    }
  | { kind: 'message'; source: MessageSource; id: string; body: Uint8Array }
  | { kind: 'execution'; arn: string }
  | { kind: 'job'; name: string };

/** The source under which a queue message is kept in quarantine. */
export type MessageSource = 'queue' | 'people';

const current = new AsyncLocalStorage<() => Input>();

/**
 * Runs work for an input, so that a stall of the process can name the input. The innermost one counts.
 *
 * @param describe called only during a stall, because most inputs cause none
 */
export const whileInProgress = <T>(describe: () => Input, work: () => T): T => current.run(describe, work);

/** Returns the input for which the current code runs. */
export const inputInProgress = (): Input | undefined => current.getStore()?.();

/** Reasons why inputs are not processed, by `keyOf`. Inputs of this process; on AWS there are none. */
const refused = new Map<string, string>();

/** Excludes an input that stalled the process: it is not processed when it arrives again. */
export function refuseInput(key: string, reason: string): void {
  refused.set(key, reason);
}

/** Returns all excluded inputs, with the reasons. Each thread has its own. */
export const refusedInputs = (): ReadonlyMap<string, string> => refused;

/** Forgets all excluded inputs. */
export const clearRefusedInputs = (): void => refused.clear();

/** Returns why an input is not processed. Undefined: it is processed. */
export function refusalOf(input: Parameters<typeof keyOf>[0]): string | undefined {
  const key = refused.size === 0 ? undefined : keyOf(input); // without hashing each body
  return key === undefined ? undefined : refused.get(key);
}

/** Identifies an input that can arrive again. Undefined for others: jobs, and requests without a body, which depend on stored data. */
export function keyOf(
  input:
    | { kind: 'request'; method: string; path: string; body?: Uint8Array | undefined }
    | { kind: 'message'; id: string }
    | Extract<Input, { kind: 'execution' | 'job' }>,
): string | undefined {
  switch (input.kind) {
    case 'request':
      if (input.body === undefined || input.body.byteLength === 0) return undefined;
      return `request:${sha256(Buffer.concat([Buffer.from(`${input.method} ${input.path}\n`), input.body]))}`;
    case 'message':
      return `message:${input.id}`;
    case 'execution':
      return `execution:${input.arn}`;
    case 'job':
      return undefined;
  }
}
