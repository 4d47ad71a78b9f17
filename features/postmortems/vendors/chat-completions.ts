import * as z from 'zod';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { LanguageModel } from '../types.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { vendorClient } from '../../../vendors/shared/client.ts';

type Options = {
  /** Base address of the API, such as `https://models.example.com/v1`. Absent: off. */
  url: () => Promise<string | undefined>;
  key: () => Promise<string | undefined>;
  model: () => Promise<string | undefined>;
  clock: Clock;
};

/** Milliseconds for one call: less than the function that a person waits for may take. */
const TIMEOUT_MS = 15_000;

const RESPONSE_MAX_BYTES = 256 * 1024;

/** The longest answer, in tokens. */
const RESPONSE_MAX_TOKENS = 3000;

const Completion = z.object({
  choices: z
    .array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string().nullish() }))
    .min(1),
});

const Errors = z
  .object({ error: z.union([z.string(), z.object({ message: z.string() })]) })
  .transform(({ error }) => (typeof error === 'string' ? error : error.message));

/**
 * Creates a client for an OpenAI-compatible API: OpenAI, Azure OpenAI, vLLM, llama.cpp, Ollama, and others.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create (read 2026-11)
 */
export function chatCompletions(options: Options): LanguageModel {
  const settings = async () => {
    const [url, key, model] = await Promise.all([options.url(), options.key(), options.model()]);
    return url && model ? { url, key, model } : null;
  };
  const client = vendorClient({
    vendor: 'the model',
    clock: options.clock,
    async access() {
      const current = await settings();
      if (current === null)
        return { kind: 'off', detail: 'proposals are off: PROSE_API_URL and PROSE_MODEL are not both set' };
      return { url: current.url, headers: current.key ? { authorization: `Bearer ${current.key}` } : {} };
    },
    timeoutMs: TIMEOUT_MS,
    maxBytes: RESPONSE_MAX_BYTES,
    errorBody: Errors,
  });
  return {
    async endpoint() {
      const current = await settings();
      return current === null ? null : { host: URL.parse(current.url)?.host ?? 'no address', model: current.model };
    },
    async complete({ instructions, data }): Promise<VendorResponse<string>> {
      const current = await settings();
      const response = await client({
        method: 'POST',
        path: '/chat/completions',
        body: {
          model: current?.model,
          messages: [
            { role: 'system', content: instructions },
            { role: 'user', content: data },
          ],
          temperature: 0,
          max_tokens: RESPONSE_MAX_TOKENS,
          response_format: { type: 'json_object' },
        },
        schema: Completion,
      });
      if (response.kind !== 'done') return response;
      const [first] = response.value.choices;
      return first?.finish_reason === 'length'
        ? { kind: 'refused', code: 'too_large', detail: `the answer has more than ${RESPONSE_MAX_TOKENS} tokens` }
        : { kind: 'done', value: first?.message.content ?? '' };
    },
    async check() {
      const response = await client({ method: 'GET', path: '/models', schema: z.unknown() });
      // Not every server lists its models.
      const hasNoModelList = response.kind === 'refused' && response.code === 'not_found';
      return response.kind === 'done' || hasNoModelList ? { kind: 'done', value: null } : response;
    },
  };
}
