import { targetOf } from '../fault-proxy/wire.ts';
import { type Endpoint, serve } from './server.ts';

/** Seconds since the Unix epoch. */
const FIRST_CHANGE = 1_764_000_000.123;

/** GetParameters takes at most this many names. */
const NAMES_MAX = 10;

/**
 * Starts a stand-in of SSM with the only operation that Firebreak calls, GetParameters. Like AWS, it decrypts a
 * SecureString only with `WithDecryption`. A changed value has a new version; one that was missing has its first version,
 * and another date.
 *
 * @param parameters returns the values by full name; called for each request
 * @param decrypted called for each value that is decrypted, which is one request to KMS on AWS
 */
export function startSsm(
  parameters: () => Readonly<Record<string, string>>,
  decrypted: () => void = () => {},
): Promise<Endpoint> {
  const stored = new Map<string, { value: string; version: number; modified: number }>();
  let changes = 0;
  const store = (name: string, value: string) => {
    const last = stored.get(name);
    const next =
      last?.value === value
        ? last
        : { value, version: (last?.version ?? 0) + 1, modified: FIRST_CHANGE + (changes += 1) };
    stored.set(name, next);
    return next;
  };
  return serve(async (request) => {
    const { Names, WithDecryption = false } = JSON.parse(request.body.toString()) as GetParameters;
    if (targetOf(request) !== 'GetParameters') return reply(400, { __type: 'UnknownOperationException' });
    if (Names.length > NAMES_MAX)
      return reply(400, {
        __type: 'ValidationException',
        message: `1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to ${NAMES_MAX}`,
      });
    const values = new Map(Object.entries(parameters()));
    for (const name of stored.keys()) if (!values.has(name)) stored.delete(name);
    return reply(200, {
      InvalidParameters: Names.filter((name) => !values.has(name)),
      Parameters: Names.flatMap((Name) => {
        const value = values.get(Name);
        if (value === undefined) return [];
        const { version, modified } = store(Name, value);
        if (WithDecryption) decrypted();
        return [
          {
            ARN: `arn:aws:ssm:us-east-1:000000000000:parameter${Name}`,
            DataType: 'text',
            LastModifiedDate: modified,
            Name,
            Type: 'SecureString',
            Value: WithDecryption ? value : 'encrypted',
            Version: version,
          },
        ];
      }),
    });
  });
}

type GetParameters = { Names: string[]; WithDecryption?: boolean };

const reply = (status: number, body: object) => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
});
