import { scryptSync } from 'node:crypto';
import { secretsPath } from './names.ts';
import type { Secrets } from './product.ts';

const ADMIN_TOKEN = 'FIREBREAK_ADMIN_TOKEN';

/** A deployment without them is refused: no token would be valid, and the audit log could not be authenticated. */
const REQUIRED = [ADMIN_TOKEN, 'FIREBREAK_AUDIT_KEY'];

/**
 * Optional secrets: credentials, and vendor addresses, which change with them. Without its credential, a vendor is not connected.
 */
const optional = (settable: readonly string[]): string[] => [
  ...settable.filter((name) => !REQUIRED.includes(name)),
  // Secrets that a configuration (docs/reference/configuration.md) or a runbook names. Add more here, or see docs/how-to/aws.md.
  'CD_TOKEN',
  'PAGE_WEBHOOK_SECRET',
];

/**
 * Secrets that must be random: they protect a public address, or keys are derived from them. 32 bytes as base64 have 44
 * characters.
 */
const RANDOM = [...REQUIRED, 'FIREBREAK_INGEST_TOKEN'];
const RANDOM_MIN_CHARS = 24;

const NOT_SET = '';

/** SSM's limit. A parameter above 4 KB is an advanced one, which costs five cents per month. */
const PARAMETER_MAX_BYTES = 8 * 1024;

type SecretValue = readonly [name: string, value: string];

/**
 * Creates the parameters that functions read, from secrets that have a value: `sst secret set NAME value`. An empty
 * secret is not set.
 */
export function createSecrets(stage: string, { settable, parametersFor }: Secrets) {
  const adminToken = new sst.Secret(ADMIN_TOKEN);
  const required = REQUIRED.map((name) => [name, name === ADMIN_TOKEN ? adminToken : new sst.Secret(name)] as const);
  const others = optional(settable).map((name) => [name, new sst.Secret(name, NOT_SET)] as const);
  const values: $util.Output<SecretValue>[] = [...required, ...others].map(([name, { value }]) =>
    value.apply((text): SecretValue => [name, checked(name, text)]),
  );
  $util.all(values).apply((secrets) => {
    const set = Object.fromEntries(secrets.filter(([, value]) => value !== NOT_SET));
    for (const [name, value] of Object.entries(parametersFor(set))) createParameter(stage, name, value);
  });
  return { secretsKey: keysFrom(stage, adminToken) };
}

/** @throws if a secret is missing, too short, or too large */
function checked(name: string, value: string): string {
  if (value === NOT_SET && REQUIRED.includes(name))
    throw new Error(`${name} is empty. Set it: sst secret set ${name} <value>`);
  if (value !== NOT_SET && RANDOM.includes(name) && value.length < RANDOM_MIN_CHARS) {
    throw new Error(
      `${name} has ${value.length} characters; the minimum is ${RANDOM_MIN_CHARS}. Create one with: openssl rand -base64 32`,
    );
  }
  return value;
}

function createParameter(stage: string, name: string, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > PARAMETER_MAX_BYTES)
    throw new Error(`the secrets of ${name} have ${bytes} bytes together; the limit of SSM is ${PARAMETER_MAX_BYTES}`);
  new aws.ssm.Parameter(`Secrets-${name.replace('/', '-')}`, {
    name: `${secretsPath(stage)}/${name}`,
    type: 'SecureString',
    tier: 'Intelligent-Tiering',
    value: $util.secret(value),
    description: 'Read by Firebreak at run time; set by sst secret set and sst deploy',
  });
}

/**
 * Derives the keys that encrypt the functions' copies of their secrets, one for each folder of copies. They are derived
 * from the admin token, which they do not reveal, so that no additional secret is needed.
 */
function keysFrom(stage: string, adminToken: sst.Secret) {
  const derived = new Map<string, $util.Output<string>>();
  return (folder: string): $util.Output<string> => {
    const key =
      derived.get(folder) ??
      adminToken.value.apply((token) => scryptSync(token, `firebreak/${stage}/${folder}`, 32).toString('base64'));
    derived.set(folder, key);
    return key;
  };
}
