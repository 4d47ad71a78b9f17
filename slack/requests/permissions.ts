import type { Scope } from '../../domain/access/access.ts';
import { notPermitted, contacts } from '../../domain/access/refusals.ts';
import type { ChatMessage, Text } from '../../domain/messages/channels.ts';
import type { Action } from '../../schemas/access/access.ts';
import type { Caller, Reader, Waiting } from '../waiting.ts';
import { within } from './deadline.ts';
import { BRIEF_PATIENCE_MS } from './reading.ts';

/** Identifies the caller if possible in time. @param caller null: Slack did not send the workspace */
export const readerInTime = async (
  { readerOf }: Waiting,
  caller: Caller | null,
  patienceMs: number = BRIEF_PATIENCE_MS,
): Promise<Reader> =>
  caller === null
    ? { kind: 'unknown' }
    : within(patienceMs, readerOf(caller)).catch((): Reader => ({ kind: 'unknown' }));

/**
 * Returns the refusal, with the people to ask. Null: the caller has permission, or could not be identified in time;
 * then the queue consumer checks the permission.
 */
export async function refusalOf(
  { deps, known }: Waiting,
  reader: Reader,
  action: Action,
  scope: Scope,
): Promise<ChatMessage | null> {
  if (reader.kind === 'unknown') return null;
  if (reader.kind === 'known' && reader.may(action, scope)) return null;
  const catalogue = (await known.catalogue(BRIEF_PATIENCE_MS))?.value;
  const now = deps.clock.now();
  if (reader.kind === 'refused') {
    const ask: Text = catalogue === undefined ? [] : contacts(catalogue, action, scope, now);
    return refusal([`You don't have permission: ${reader.because}. Nothing was done. `, ...ask]);
  }
  return catalogue === undefined
    ? null
    : refusal([...notPermitted(catalogue, action, scope, now), ' Nothing was done.']);
}

const refusal = (text: Text): ChatMessage => ({
  summary: "You don't have permission",
  parts: [{ kind: 'text', text }],
});
