import type { Secrets } from '../../core/domain/ports/system.ts';
import type { Config } from '../../schemas/config/config.ts';
import { type SigningSecrets, signingSecretFault } from '../../schemas/config/signing-secret.ts';
import { type SigningSecretName, SIGNING_SECRETS } from '../../schemas/config/variables.ts';

/** Returns the secret that checks a sender's signatures. Undefined: it is not set, or anyone could sign with it. */
export async function signingSecret(secrets: Secrets, name: SigningSecretName): Promise<string | undefined> {
  const secret = await secrets.get(name);
  return secret !== undefined && signingSecretFault(secret, SIGNING_SECRETS[name]) === null ? secret : undefined;
}

/**
 * Returns the signing secrets that are set and cannot be used: those of senders, and those that the configuration names.
 * `detail`: why, and the effect.
 */
export async function faultySigningSecrets(
  config: Config | undefined,
  read: (name: string) => Promise<string | undefined>,
): Promise<{ name: string; detail: string }[]> {
  const all = { ...named(config), ...SIGNING_SECRETS };
  const found = await Promise.all(
    Object.entries(all).map(async ([name, contains]) => {
      const secret = await read(name);
      const detail = secret ? faultOf(name, secret, contains) : null;
      return detail === null ? [] : [{ name, detail }];
    }),
  );
  return found.flat();
}

/** Returns why a signing secret cannot be used, and the effect, or null. */
export function faultOf(name: string, secret: string, contains: SigningSecrets): string | null {
  const fault = signingSecretFault(secret, contains);
  if (fault === null) return null;
  return `${name} ${fault}. Until then, requests that it would ${name in SIGNING_SECRETS ? 'check are refused' : 'sign are not sent'}`;
}

/** Returns the secrets with which the configuration signs what Firebreak sends. */
function named(value: unknown): Record<string, SigningSecrets> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, inner]: [string, unknown]) =>
      (key === 'webhookSignature' || key === 'signature') && typeof inner === 'string'
        ? { [inner]: 'one' }
        : named(inner),
    ),
  ) as Record<string, SigningSecrets>;
}
