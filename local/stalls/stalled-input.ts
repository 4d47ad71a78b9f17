import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { keyOf, refuseInput } from '../../core/actions/input-in-progress.ts';
import { QuarantineFull } from '../../core/domain/alerts/quarantine.ts';
import type { Quarantine } from '../../core/domain/ports/alerts.ts';
import type { Log } from '../../core/domain/ports/system.ts';
import { CHANGE_SENDERS } from '../../vendors/change-senders.ts';
import { sources } from '../../schemas/alerts/sources/index.ts';
import { millisOf, Timestamp } from '../../schemas/time/time.ts';
import { readPrivate, writePrivate } from '../state/private-file.ts';
import { identityOf, type InputJson, stalledInputFile } from './answer.ts';
import { THREADS } from './protocol.ts';

const StoredInput: z.ZodType<InputJson> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('request'),
    method: z.string(),
    path: z.string(),
    route: z.string().optional(),
    request_id: z.string(),
    source: z.string().optional(),
    address: z.string(),
    content_type: z.string(),
    event: z.string().optional(),
    body: z.base64().optional(),
  }),
  z.object({ kind: z.literal('message'), source: z.enum(['queue', 'people']), id: z.string(), body: z.base64() }),
  z.object({ kind: z.literal('execution'), arn: z.string() }),
  z.object({ kind: z.literal('job'), name: z.string() }),
]);

/** What the worker wrote before the restart. */
const Stalled = z.object({
  thread: z.enum(THREADS).default('main'),
  input: StoredInput.nullable(),
  stack: z.array(z.string()),
  at: Timestamp,
  stalled_seconds: z.number(),
});

/** Inputs that are not processed again, by `keyOf`. */
const Refused = z.array(z.object({ key: z.string(), at: Timestamp, reason: z.string() }));
const refusedInputsFile = (dataDir: string): string => join(dataDir, 'refused-inputs.json');

/** Retries arrive within minutes. Later, a person may have repaired what made the input slow. */
const REFUSED_FOR_MS = 24 * 3_600_000;

/**
 * Makes sure that an input that stalled a thread until the process was restarted is not processed again. Call it
 * before anything is processed.
 *
 * @param now Unix milliseconds
 * @returns stores the input in the quarantine, and then forgets it; call it once the stores are available
 */
export async function refuseStalledInput(
  dataDir: string,
  log: Log,
  now: number,
): Promise<(quarantine: Pick<Quarantine, 'keep'>) => Promise<void>> {
  const earlier = (readAs(Refused, await readPrivate(refusedInputsFile(dataDir)), log) ?? []).filter(
    ({ at }) => now - millisOf(at) < REFUSED_FOR_MS,
  );
  for (const { key, reason } of earlier) refuseInput(key, reason);
  const stalled = readAs(Stalled, await readPrivate(stalledInputFile(dataDir)), log);
  if (stalled === undefined) return async () => undefined;
  const { thread, input, stack, at, stalled_seconds } = stalled;
  const seconds = Math.round(stalled_seconds);
  const reason = `this input kept the ${thread} thread busy for ${seconds} s at ${at}, and Firebreak was restarted`;
  const key = input === null ? undefined : keyOf(withBytes(input));
  if (key !== undefined) refuseInput(key, reason);
  return async (quarantine) => {
    const kept = input === null ? undefined : await quarantineInput(quarantine, input, reason);
    if (key !== undefined)
      await writePrivate(refusedInputsFile(dataDir), JSON.stringify([...earlier, { key, at, reason }]));
    await rm(stalledInputFile(dataDir));
    const fate = key === undefined ? 'it cannot be excluded' : 'it is not processed again';
    log.error(`an input stalled the ${thread} thread until Firebreak was restarted; ${fate}`, {
      ...identityOf(input),
      at,
      stalled_seconds: seconds,
      quarantine: kept,
      stack,
    });
  };
}

const withBytes = (input: InputJson) =>
  input.kind === 'request' ? { ...input, body: Buffer.from(input.body ?? '', 'base64') } : input;

/** Returns undefined for a file of another version: it must not prevent the start. */
function readAs<T>(schema: z.ZodType<T>, text: string | undefined, log: Log): T | undefined {
  const parsed = text === undefined ? undefined : schema.safeParse(JSON.parse(text));
  if (parsed?.error) log.error('inputs that stalled a thread cannot be read', { error: String(parsed.error) });
  return parsed?.data;
}

/** Returns the ID in quarantine. Undefined: there is nothing that could be replayed. */
async function quarantineInput(
  quarantine: Pick<Quarantine, 'keep'>,
  input: InputJson,
  reason: string,
): Promise<string | undefined> {
  const entry = quarantined(input);
  if (entry === undefined) return undefined;
  const detail = `${reason}. Replay it after an upgrade; it can stall Firebreak again`;
  const keep = (sender: string | null) => quarantine.keep({ ...entry, sender, status: null, detail });
  return keep(entry.sender).catch((error: unknown) => {
    if (error instanceof QuarantineFull) return keep(null); // its sender may not repeat it, so it is never dropped
    throw error;
  });
}

type Entry = Pick<Parameters<Quarantine['keep']>[0], 'source' | 'sender' | 'receiver' | 'body' | 'contentType'>;

function quarantined(input: InputJson): Entry | undefined {
  switch (input.kind) {
    case 'message': {
      const { source, body = '' } = input;
      return {
        source,
        sender: null,
        receiver: source,
        body: Buffer.from(body, 'base64'),
        contentType: 'application/json',
      };
    }
    case 'request': {
      const { path, event, body, content_type: contentType } = input;
      const source = sourceOf(path);
      if (source === undefined || body === undefined) return undefined;
      const receiver = source === 'github' ? `${path}?event=${encodeURIComponent(event ?? '')}` : path;
      // A body without a valid token was read for its signature.
      const sender = `${source}:${input.source ?? `${source}:signature`}`;
      return { source, sender, receiver, body: Buffer.from(body, 'base64'), contentType };
    }
    case 'execution':
    case 'job':
      return undefined;
  }
}

/** Returns the source whose inputs `replay` can process. */
function sourceOf(path: string): string | undefined {
  const alerts = /^\/v1\/alerts\/([^/]+)$/.exec(path)?.[1];
  if (alerts !== undefined) return sources.has(alerts) ? alerts : undefined;
  if (path === '/api/v1/rollback') return 'alertmanager';
  const forge = /^\/integrations\/(github|gitlab|pagerduty)\/webhook$/.exec(path)?.[1];
  return forge ?? CHANGE_SENDERS.find((sender) => sender.path === path)?.source;
}
