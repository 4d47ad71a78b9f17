import { createHash } from 'node:crypto';
import * as z from 'zod';
import { regionOf, serve, type EmulatedRequest, type EmulatedResponse, type Endpoint } from '../endpoint.ts';

type Parameters = Readonly<Record<string, string>>;
type Operation = (parameters: Parameters, input: unknown, region: string) => object;

const CONTENT_TYPE = 'application/x-amz-json-1.1';
const NAMES_MAX = 10;
/** The emulation has no history: every parameter is in version 1, modified when this process started. */
const MODIFIED_AT_SECONDS = Math.floor(Date.now() / 1000);

/** A Systems Manager error response. `code` becomes the error's name in the SDK clients. */
class SsmError extends Error {
  override readonly name = 'SsmError';
  readonly code: string;

  constructor(code: string, message = '') {
    super(message);
    this.code = code;
  }
}

/**
 * Starts an emulation of Systems Manager Parameter Store: GetParameter, GetParameters, GetParametersByPath. Every
 * parameter is a SecureString. As on AWS, a caller who omits `WithDecryption` doesn't get the secret.
 *
 * @param options.parameters returns the values by full name; called for each request, so that changed secrets take
 *   effect at once
 */
export function startSsm(options: {
  parameters: () => Record<string, string>;
  accessKeyId: string;
}): Promise<Endpoint> {
  const { parameters, accessKeyId } = options;
  return serve({ accessKeyId, handle: async (request) => handle(parameters, request) });
}

function handle(parameters: () => Parameters, request: EmulatedRequest): EmulatedResponse {
  try {
    const name = String(request.headers['x-amz-target'] ?? '').replace(/^AmazonSSM\./, '');
    const operation = operations.get(name);
    if (operation === undefined) throw new SsmError('UnknownOperationException', `${name} is not emulated here.`);
    const input: unknown = JSON.parse(request.body.toString() || '{}');
    return reply(200, operation(parameters(), input, regionOf(request.headers.authorization)));
  } catch (error) {
    if (error instanceof SsmError) return reply(400, { __type: error.code, message: error.message });
    if (error instanceof SyntaxError) return reply(400, { __type: 'SerializationException', message: error.message });
    throw error;
  }
}

const getParameter: Operation = (parameters, input, region) => {
  const { Name, WithDecryption } = read(GetParameter, input);
  const value = valueOf(parameters, Name);
  if (value === undefined) throw new SsmError('ParameterNotFound');
  return { Parameter: toParameter(Name, value, WithDecryption, region) };
};

const getParameters: Operation = (parameters, input, region) => {
  const { Names, WithDecryption } = read(GetParameters, input);
  const found: object[] = [];
  const invalid: string[] = [];
  for (const name of new Set(Names)) {
    const value = valueOf(parameters, name);
    if (value === undefined) invalid.push(name);
    else found.push(toParameter(name, value, WithDecryption, region));
  }
  return { Parameters: found, InvalidParameters: invalid };
};

/** Lists parameters by name. A token is the last name of the previous page. */
const getParametersByPath: Operation = (parameters, input, region) => {
  const request = read(GetParametersByPath, input);
  const path = request.Path.endsWith('/') ? request.Path : `${request.Path}/`;
  const after = Buffer.from(request.NextToken ?? '', 'base64url').toString();
  const names = Object.keys(parameters)
    .filter((name) => name.startsWith(path) && (request.Recursive || !name.slice(path.length).includes('/')))
    .filter((name) => name > after)
    .sort();
  const page = names.slice(0, request.MaxResults);
  const last = page.at(-1);
  const more = names.length > page.length && last !== undefined;
  return {
    Parameters: page.map((name) => toParameter(name, parameters[name] ?? '', request.WithDecryption, region)),
    ...(more ? { NextToken: Buffer.from(last).toString('base64url') } : {}),
  };
};

const operations = new Map<string, Operation>([
  ['GetParameter', getParameter],
  ['GetParameters', getParameters],
  ['GetParametersByPath', getParametersByPath],
]);

const GetParameter = z.object({ Name: z.string().min(1), WithDecryption: z.boolean().default(false) });
const GetParameters = z.object({
  Names: z.array(z.string()).min(1).max(NAMES_MAX),
  WithDecryption: z.boolean().default(false),
});
const GetParametersByPath = z.object({
  Path: z.string().startsWith('/', 'must begin with a slash'),
  Recursive: z.boolean().default(false),
  WithDecryption: z.boolean().default(false),
  MaxResults: z.int().min(1).max(NAMES_MAX).default(NAMES_MAX),
  NextToken: z.string().optional(),
  /** Filters by type, key, or label, which the emulation doesn't have. */
  ParameterFilters: z.array(z.unknown()).max(0, 'are not emulated here').optional(),
});

/** @throws SsmError ValidationException */
function read<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new SsmError('ValidationException', `Value at '${issue?.path.join('.')}' failed: ${issue?.message}`);
}

/** Returns own properties only: `constructor` is not a parameter. */
const valueOf = (parameters: Parameters, name: string): string | undefined =>
  Object.hasOwn(parameters, name) ? parameters[name] : undefined;

function toParameter(name: string, value: string, decrypted: boolean, region: string): object {
  return {
    Name: name,
    Type: 'SecureString',
    Value: decrypted ? value : createHash('sha256').update(value).digest('base64'),
    Version: 1,
    LastModifiedDate: MODIFIED_AT_SECONDS,
    ARN: `arn:aws:ssm:${region}:000000000000:parameter${name.startsWith('/') ? '' : '/'}${name}`,
    DataType: 'text',
  };
}

function reply(status: number, body: object): EmulatedResponse {
  return { status, headers: { 'content-type': CONTENT_TYPE }, body: JSON.stringify(body) };
}
