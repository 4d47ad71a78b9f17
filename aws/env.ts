import * as z from 'zod';

/** What a function finds in its environment: names of resources and the addresses of vendors, never secrets. */
const Environment = z.object({
  FIREBREAK_STAGE: z.string().regex(/^[A-Za-z0-9-]{1,20}$/),
  FIREBREAK_TABLE: z.string().min(3),
  FIREBREAK_BUCKET: z.string().min(3),
  FIREBREAK_QUEUE_URGENT: z.url(),
  FIREBREAK_QUEUE_ORDINARY: z.url(),
  FIREBREAK_QUEUE_UNMATCHED: z.url(),
  FIREBREAK_QUEUE_PEOPLE: z.url(),
  FIREBREAK_QUEUE_SLACK: z.url(),
  FIREBREAK_QUEUE_STATUSPAGE: z.url(),
  FIREBREAK_QUEUE_GRAFANA: z.url(),
  FIREBREAK_QUEUE_TICKETS: z.url(),
  FIREBREAK_QUEUE_WEBHOOKS: z.url(),
  FIREBREAK_WORKFLOW_FUNCTION: z.string().min(1),
  FIREBREAK_WORKFLOW_QUALIFIER: z.string().min(1),
  FIREBREAK_SECRETS_PATH: z.string().startsWith('/'),
  /** Groups of secrets that the function may read, of aws/secret-groups.ts, separated by commas. */
  FIREBREAK_SECRETS_GRANTS: z.string().regex(/^[a-z-]+(,[a-z-]+)*$/),
  /** 32 bytes as base64: seals the copy of the secrets in the bucket. */
  FIREBREAK_SECRETS_KEY: z.base64().length(44),
  /** Refused on Lambda, see below. */
  FIREBREAK_TIME_SCALE: z.coerce.number().min(1).default(1),
  /** Addresses of the sandbox's stand-ins, separated by spaces. Refused on Lambda. */
  FIREBREAK_STAND_INS: z
    .string()
    .default('')
    .transform((text) => text.split(' ').filter((address) => address !== '')),
  /** Who else can write the table. Refused on Lambda. */
  FIREBREAK_DATABASE_WARNING: z.string().optional(),
  LOG_LEVEL: z.string().default('info'),
});
export type Environment = z.infer<typeof Environment>;

/** Switches that only make sense on one machine. On Lambda one of them is a mistake that must not go unnoticed. */
const LOCAL_ONLY = [
  'FIREBREAK_TIME_SCALE',
  'FIREBREAK_SANDBOX',
  'FIREBREAK_STAND_INS',
  'FIREBREAK_DATABASE_WARNING',
  'FIREBREAK_DATA_DIR',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_DYNAMODB',
  'AWS_ENDPOINT_URL_SQS',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_LAMBDA',
  'AWS_ENDPOINT_URL_SSM',
];

/** @throws naming every variable that is missing or wrong */
export function readEnvironment(env: Record<string, string | undefined>): Environment {
  // Lambda sets it for every function. The emulation sets AWS_LAMBDA_FUNCTION_NAME, too, for the SDK to pass traces on.
  const onLambda = env['LAMBDA_TASK_ROOT'] !== undefined;
  const local = onLambda ? LOCAL_ONLY.filter((name) => env[name] !== undefined) : [];
  if (local.length > 0)
    throw new Error(
      `only for one machine, and refused on Lambda: ${local.join(', ')}. Remove them from the function's environment`,
    );
  const read = Environment.safeParse(env);
  if (!read.success) throw new Error(`the function's environment is not complete:\n${z.prettifyError(read.error)}`);
  return read.data;
}
