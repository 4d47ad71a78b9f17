import { GetParametersCommand, type Parameter, type SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod';
import { type Secrets, secretIn, SecretsUnreadable } from '../secrets.ts';
import type { Parameters, SecretsCopy } from './secrets-copy.ts';

/**
 * Running functions see a rotated secret within this time. Reading whether one has changed costs nothing, and decrypting
 * it costs a request to KMS, so that unchanged ones are not decrypted again. It is divided by the time scale, down to `CACHED_MIN_MS`. */
const CACHED_MS = 30_000;
const CACHED_MIN_MS = 1000;

/**
 * Shortens the cache time by a random share up to this, so that containers that started together do not call SSM
 * together.
 */
const JITTER = 0.25;

/** After a failure, the last known values are used for this long before the next attempt. */
const FALLBACK_CACHED_MS = 10_000;

/**
 * Without known values, further callers get the same error for this long, so that an invocation does not wait
 * repeatedly.
 */
const FAILURE_CACHED_MS = 1000;

/** The limit of SSM's GetParameters. */
const NAMES_PER_CALL = 10;

const Group = z.record(z.string(), z.string());

/** Where a secret is stored: a parameter, below the path. `isGroup`: its value is an object of several secrets, as JSON. */
export type SecretPlace = { parameter: string; isGroup: boolean };

export type SsmSecretsOptions = {
  client: SSMClient;
  /** Path of the parameters. */
  path: string;
  /** Parameters that are read with the first secret. Others are read when they are needed. */
  groups: readonly string[];
  /** @throws SecretsUnreadable if this process may not read the secret */
  placeOf: (name: string) => SecretPlace;
  copy: SecretsCopy;
  log: { warn(message: string, fields: Record<string, unknown>): void };
  /** In milliseconds. */
  now: () => number;
  /** In [0, 1). */
  random?: () => number;
  /** Factor by which the pauses are shortened. */
  timeScale?: number;
};

/**
 * Reads secrets from SSM parameters. Reads all in one call and caches them for half a minute.
 *
 * While SSM does not respond, the last known values stay in use: those of this process or, after a cold start, those of
 * the encrypted copy. The copy is renewed after each read that finds changes.
 */
export function ssmSecrets(options: SsmSecretsOptions): Secrets {
  const { client, path, groups, placeOf, copy, log, now, random = Math.random, timeScale = 1 } = options;
  const cachedMs = Math.max(CACHED_MS / timeScale, CACHED_MIN_MS);
  const wanted = new Set(groups);
  let cached: { until: number; parameters: Promise<Parameters> } | undefined;
  let lastRead: Parameters | undefined;
  /** Of `lastRead`, when it came from SSM. */
  let lastVersions: string | undefined;
  let copied: Promise<Parameters | undefined> | undefined;

  /** Read once per process, in parallel with SSM, so that the fallback does not wait for both. */
  const readCopy = (): Promise<Parameters | undefined> =>
    copy.read().catch((error: unknown) => {
      log.warn('cannot read the copy of the secrets', { error: String(error) });
      return undefined;
    });

  const renewCopy = async (fresh: Parameters): Promise<void> => {
    if (isSame(await copied, fresh)) return;
    try {
      await copy.write(fresh);
      copied = Promise.resolve(fresh);
    } catch (error) {
      log.warn('cannot renew the copy of the secrets', { error: String(error) });
    }
  };

  /**
   * @param failed called when SSM did not respond, with the time in milliseconds for which the known values are kept
   */
  const read = async (failed: (cachedForMs: number) => void): Promise<Parameters> => {
    copied ??= readCopy();
    try {
      const names = [...wanted];
      const versions = lastVersions === undefined ? undefined : await readVersions(client, path, names);
      if (lastRead !== undefined && versions !== undefined && versions === lastVersions) return lastRead;
      const { values, versions: readVersion } = await readAll(client, path, names);
      [lastRead, lastVersions] = [values, readVersion];
      void renewCopy(lastRead); // runs in the background
      return lastRead;
    } catch (error) {
      const from = lastRead === undefined ? 'copy' : 'memory';
      lastRead ??= await copied;
      if (lastRead === undefined) {
        copied = undefined;
        failed(FAILURE_CACHED_MS * (1 + random()));
        const reason = `cannot read secrets, and no earlier values are known: ${String(error)}`;
        throw new SecretsUnreadable(reason, { cause: error });
      }
      failed((FALLBACK_CACHED_MS / timeScale) * (0.5 + random()));
      log.warn('cannot read secrets; the last known values stay in use', { from, error: String(error) });
      return lastRead;
    }
  };

  const refresh = (): { until: number; parameters: Promise<Parameters> } => {
    const parameters = read((cachedForMs) => (next.until = now() + cachedForMs));
    const next = { until: now() + cachedMs * (1 - JITTER * random()), parameters };
    parameters.catch(() => undefined); // The caller that awaits the promise handles the error.
    return next;
  };

  return {
    async get(name) {
      const { parameter, isGroup } = placeOf(name);
      if (!wanted.has(parameter)) {
        wanted.add(parameter);
        if (!lastRead?.has(parameter)) cached = undefined;
      }
      if (cached === undefined || cached.until <= now()) cached = refresh();
      const value = (await cached.parameters).get(parameter);
      if (value === undefined) throw new SecretsUnreadable(`cannot read ${name}, and no earlier value is known`);
      if (value === null) return undefined;
      return secretIn(isGroup ? Group.parse(JSON.parse(value))[name] : value);
    },
  };
}

/** Reads values, decrypted, with the versions that they are of. */
async function readAll(
  client: SSMClient,
  path: string,
  names: readonly string[],
): Promise<{ values: Parameters; versions: string }> {
  const values = new Map<string, string | null>(names.map((name) => [name, null]));
  const parameters = await getParameters(client, path, names, true);
  for (const { Name, Value } of parameters)
    if (Name !== undefined && Value !== undefined) values.set(Name.slice(path.length + 1), Value);
  return { values, versions: versionsOf(names, parameters) };
}

/** Reads the versions only, without a request to KMS. */
const readVersions = async (client: SSMClient, path: string, names: readonly string[]): Promise<string> =>
  versionsOf(names, await getParameters(client, path, names, false));

/** Returns text that differs if one parameter does. One that was deleted and created again has its first version, too. */
const versionsOf = (names: readonly string[], parameters: readonly Parameter[]): string =>
  JSON.stringify([
    names.length,
    parameters
      .map(({ Name, Version, LastModifiedDate }) => `${Name} ${Version} ${LastModifiedDate?.getTime()}`)
      .toSorted(),
  ]);

async function getParameters(
  client: SSMClient,
  path: string,
  names: readonly string[],
  WithDecryption: boolean,
): Promise<Parameter[]> {
  const calls = [...Map.groupBy(names.entries(), ([n]) => Math.floor(n / NAMES_PER_CALL)).values()];
  const answers = await Promise.all(
    calls.map((call) =>
      client.send(new GetParametersCommand({ Names: call.map(([, name]) => `${path}/${name}`), WithDecryption })),
    ),
  );
  return answers.flatMap(({ Parameters = [] }) => Parameters);
}

const isSame = (a: Parameters | undefined, b: Parameters): boolean =>
  a !== undefined && a.size === b.size && [...b].every(([name, value]) => a.get(name) === value);
