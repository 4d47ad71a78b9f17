import * as z from 'zod';
import { SecretName } from '../../config/endpoint.ts';
import { Template } from './values.ts';

/** These methods change nothing; all others are assumed to change something. */
export const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

const Method = z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Scheme and host are literal, so that inserted values cannot redirect the request. */
export const FIXED_ORIGIN =
  /^https?:\/\/[a-z0-9.-]+(?::\d{1,5})?(?=[/?#]|$)|^https?:\/\/\[[0-9a-f:.]+\](?::\d{1,5})?(?=[/?#]|$)/i;

const Url = Template.refine(
  (text) => FIXED_ORIGIN.test(text) && URL.canParse(text.replaceAll(/\$\{\{.*?\}\}/gs, 'x')),
  'must be an http or https URL with a literal host, without user name and password',
);

/** Headers that Firebreak or its HTTP client sets. */
const RESERVED_HEADERS = new Set(['host', 'content-length', 'connection', 'transfer-encoding', 'idempotency-key']);

const HeaderName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'must be a header name, such as X-Reason')
  .refine((name) => !RESERVED_HEADERS.has(name.toLowerCase()), 'Firebreak sets this header itself');

export const HttpAuth = z.union([
  z.strictObject({ bearer: SecretName }),
  z.strictObject({ basic: z.strictObject({ user: z.string().min(1), password: SecretName }) }),
  z.strictObject({ header: HeaderName, secret: SecretName }),
  /** Signs as Standard Webhooks does. */
  z.strictObject({ webhookSignature: SecretName }),
]);
export type HttpAuth = z.infer<typeof HttpAuth>;

const Status = z.union([z.number().int().min(100).max(599), z.enum(['2xx', '3xx', '4xx', '5xx'])]);

/** Parameters of `uses: http`: one call of another system. */
export const HttpWith = z.strictObject({
  method: Method,
  url: Url,
  headers: z.record(HeaderName, Template).default({}),
  /** A text, or a value that is sent as JSON. */
  body: z.union([Template, z.record(z.string(), z.json()), z.array(z.json())]).optional(),
  auth: HttpAuth.optional(),
  expect: z
    .strictObject({
      status: z.union([Status.transform((status) => [status]), z.array(Status).min(1)]).default(['2xx']),
    })
    .prefault({}),
});
export type HttpWith = z.infer<typeof HttpWith>;
