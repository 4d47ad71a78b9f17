import { targetOf } from '../fault-proxy/wire.ts';
import { type Endpoint, serve } from './server.ts';

/** GetParameters takes at most this many names. */
const NAMES_MAX = 10;

/**
 * Starts a stand-in of SSM with the only operation that Firebreak calls, GetParameters. Like AWS, it decrypts a
 * SecureString only with `WithDecryption`.
 *
 * @param parameters returns the values by full name; called for each request
 */
export const startSsm = (parameters: () => Readonly<Record<string, string>>): Promise<Endpoint> =>
  serve(async (request) => {
    const { Names, WithDecryption = false } = JSON.parse(request.body.toString()) as GetParameters;
    if (targetOf(request) !== 'GetParameters') return reply(400, { __type: 'UnknownOperationException' });
    if (Names.length > NAMES_MAX)
      return reply(400, {
        __type: 'ValidationException',
        message: `1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to ${NAMES_MAX}`,
      });
    const values = new Map(Object.entries(parameters()));
    return reply(200, {
      InvalidParameters: Names.filter((name) => !values.has(name)),
      Parameters: Names.flatMap((Name) => {
        const value = values.get(Name);
        if (value === undefined) return [];
        return [
          {
            ARN: `arn:aws:ssm:us-east-1:000000000000:parameter${Name}`,
            DataType: 'text',
            LastModifiedDate: 1_764_000_000.123,
            Name,
            Type: 'SecureString',
            Value: WithDecryption ? value : 'encrypted',
            Version: 1,
          },
        ];
      }),
    });
  });

type GetParameters = { Names: string[]; WithDecryption?: boolean };

const reply = (status: number, body: object) => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
});
