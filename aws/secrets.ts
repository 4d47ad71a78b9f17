import { GetParametersCommand, type SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod';
import { type Log, type Secrets, SecretsUnreadable } from '../domain/ports.ts';
import { type Grant, groupOf, namedParameter } from './secret-groups.ts';
import type { Parameters, SecretsCopy } from './secrets-copy.ts';

/** A rotated secret reaches what already runs within this time; in trials sooner, as everything there, but for the shortest. */
const KEPT_MS = 30_000;
const KEPT_MIN_MS = 1000;

/** Containers that started together do not ask together: each keeps its secrets for up to this share shorter. */
const JITTER = 0.25;

/** After a failure the last known values stay in use for so long before the next try. */
const FALLBACK_KEPT_MS = 10_000;

/** Without any known values, those who ask meanwhile get the same error, so that an invocation does not wait again and again. */
const FAILURE_KEPT_MS = 1000;

/** SSM holds no empty value. Where empty says something of its own, two quotation marks stand for it. */
const EMPTY = '""';

/** SSM's limit for GetParameters. */
const NAMES_PER_CALL = 10;

const Group = z.record(z.string(), z.string());

export type SecretsOptions = {
  client: SSMClient;
  /** The parameters are below it. */
  path: string;
  /** Other secrets are refused here, as IAM refuses them. */
  grants: readonly Grant[];
  copy: SecretsCopy;
  log: Log;
  /** Milliseconds. */
  now: () => number;
  /** In [0, 1). */
  random?: () => number;
  /** How much faster than life our own pauses go. */
  timeScale?: number;
};

/**
 * Secrets from SSM parameters: one for each group that the function may read, all in one call, kept for half a minute.
 *
 * While SSM does not answer, the last known values stay in use: those of this process, or in a process that has just
 * started those of the sealed copy, which is renewed after each read that brought something new.
 */
export function ssmSecrets(options: SecretsOptions): Secrets {
  const { client, path, grants, copy, log, now, random = Math.random, timeScale = 1 } = options;
  const keptMs = Math.max(KEPT_MS / timeScale, KEPT_MIN_MS);
  const wanted = new Set<string>(grants.filter((grant) => grant !== 'named'));
  let kept: { until: number; parameters: Promise<Parameters> } | undefined;
  let last: Parameters | undefined;
  let copied: Promise<Parameters | undefined> | undefined;

  /** Read once per process, in parallel with SSM, so that the fallback does not wait for both. */
  const readCopy = (): Promise<Parameters | undefined> =>
    copy.read().catch((error: unknown) => {
      log.warn('the copy of the secrets could not be read', { error: String(error) });
      return undefined;
    });

  const renewCopy = async (fresh: Parameters): Promise<void> => {
    if (sameAs(await copied, fresh)) return;
    try {
      await copy.write(fresh);
      copied = Promise.resolve(fresh);
    } catch (error) {
      log.warn('the copy of the secrets could not be renewed', { error: String(error) });
    }
  };

  /** @param failed told how long what is known counts, in milliseconds, when SSM has not answered */
  const read = async (failed: (keptForMs: number) => void): Promise<Parameters> => {
    copied ??= readCopy();
    try {
      last = await readAll(client, path, [...wanted]);
      void renewCopy(last); // nobody waits for it
      return last;
    } catch (error) {
      const from = last === undefined ? 'copy' : 'memory';
      last ??= await copied;
      if (last === undefined) {
        copied = undefined;
        failed(FAILURE_KEPT_MS * (1 + random()));
        const reason = `secrets could not be read, and no earlier ones are known: ${String(error)}`;
        throw new SecretsUnreadable(reason, { cause: error });
      }
      failed((FALLBACK_KEPT_MS / timeScale) * (0.5 + random()));
      log.warn('secrets could not be read; the last known values stay in use', { from, error: String(error) });
      return last;
    }
  };

  const refresh = (): { until: number; parameters: Promise<Parameters> } => {
    const parameters = read((keptForMs) => (next.until = now() + keptForMs));
    const next = { until: now() + keptMs * (1 - JITTER * random()), parameters };
    parameters.catch(() => undefined); // The caller that awaits it handles the error.
    return next;
  };

  return {
    async get(name) {
      const group = groupOf(name);
      if (!grants.includes(group ?? 'named'))
        throw new SecretsUnreadable(`${name} is not for this function: grant it in aws/secret-groups.ts`);
      const parameter = group ?? namedParameter(name);
      if (!wanted.has(parameter)) {
        wanted.add(parameter);
        if (!last?.has(parameter)) kept = undefined;
      }
      if (kept === undefined || kept.until <= now()) kept = refresh();
      const value = (await kept.parameters).get(parameter);
      if (value === undefined) throw new SecretsUnreadable(`${name} could not be read, and no earlier value is known`);
      if (value === null) return undefined;
      const secret = group === undefined ? value : Group.parse(JSON.parse(value))[name];
      return secret === EMPTY ? '' : secret;
    },
  };
}

async function readAll(client: SSMClient, path: string, names: readonly string[]): Promise<Parameters> {
  const values = new Map<string, string | null>(names.map((name) => [name, null]));
  const calls = [...Map.groupBy(names.entries(), ([n]) => Math.floor(n / NAMES_PER_CALL)).values()];
  const answers = await Promise.all(
    calls.map((call) =>
      client.send(new GetParametersCommand({ Names: call.map(([, name]) => `${path}/${name}`), WithDecryption: true })),
    ),
  );
  for (const { Name, Value } of answers.flatMap(({ Parameters = [] }) => Parameters))
    if (Name !== undefined && Value !== undefined) values.set(Name.slice(path.length + 1), Value);
  return values;
}

const sameAs = (a: Parameters | undefined, b: Parameters): boolean =>
  a !== undefined && a.size === b.size && [...b].every(([name, value]) => a.get(name) === value);
