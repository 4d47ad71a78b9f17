import { join } from 'node:path';
import type { Input } from '../../core/actions/input-in-progress.ts';

/** An input as JSON: its body, if it has one, is in base64. */
export type InputJson = Input extends infer One
  ? One extends Input
    ? Omit<One, 'body'> & ('body' extends keyof One ? { body?: string | undefined } : unknown)
    : never
  : never;

/** What a thread says of itself during a stall. `input` null: code that belongs to no input. */
export type Answer = { input: InputJson | null; stack: readonly string[] };

/** Returns the answer about the current code, as JSON. */
export const answerAbout = (input: Input | undefined, stack: readonly string[]): string =>
  JSON.stringify({
    input: input === undefined ? null : { ...input, ...('body' in input && { body: base64(input.body) }) },
    stack,
  });

const base64 = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('base64');

/**
 * The file in which the input is stored that was in progress when a thread did not beat for half of the
 * watchdog's time. Still there at the next start: the process was ended during the stall.
 */
export const stalledInputFile = (dataDir: string): string => join(dataDir, 'stalled-input.json');

/** Returns what a log may contain of an input: its identity, and nothing that a sender chose as content. */
export function identityOf(input: InputJson | null | undefined): object {
  switch (input?.kind) {
    case 'request': {
      const { method, route, request_id, source, address, body } = input;
      return { input: 'request', method, route, request_id, source, address, bytes: bytesIn(body) };
    }
    case 'message':
      return { input: 'message', queue_message: input.id, source: input.source, bytes: bytesIn(input.body) };
    case 'execution':
      return { input: 'execution', execution: input.arn };
    case 'job':
      return { input: 'job', job: input.name };
    case undefined:
      return { input: 'unknown' };
  }
}

const bytesIn = (body: string | undefined) => body && Buffer.byteLength(body, 'base64');
