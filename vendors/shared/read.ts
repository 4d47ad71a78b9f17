import type { z } from 'zod';
import { call, NoResponse } from './http.ts';
import type { Server } from './server.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

const ATTEMPT_TIMEOUT_MS = 4_000;

/** Maximum bytes of a body. A large installation has thousands of alerts and rules. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/** Sends one GET request. Null if there is no response, or none in the API's format. */
export async function readServer<T>({ url, headers }: Server, path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    const { status, text } = await call(`${url}${path}`, {
      method: 'GET',
      headers,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      maxBytes: BODY_MAX_BYTES,
    });
    const parsed = schema.safeParse(parseJson(text));
    return status === 200 && parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof NoResponse) return null;
    throw error;
  }
}
