import type { Scope } from '../../../core/domain/access/access.ts';
import { notPermittedText, whomToAsk } from '../../../core/domain/access/refusals.ts';
import type { ChatMessage, Text } from '../../../core/domain/messages/chat-message.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { RequestingUser, CallerPermissions, RequestContext } from '../request-context.ts';
import { withDeadline } from './deadline.ts';
import { BRIEF_PATIENCE_MS } from './cached-reads.ts';

/** Identifies the caller if possible in time. @param user null: Slack did not send the workspace */
export const permissionsInTime = async (
  { permissionsOf }: RequestContext,
  user: RequestingUser | null,
  patienceMs: number = BRIEF_PATIENCE_MS,
): Promise<CallerPermissions> =>
  user === null
    ? { kind: 'unknown' }
    : withDeadline(patienceMs, permissionsOf(user)).catch((): CallerPermissions => ({ kind: 'unknown' }));

/**
 * Returns the refusal, with the people to ask. Null: the caller has permission, or user groups could add it, or the
 * caller could not be identified in time; then the queue consumer checks the permission.
 */
export async function refusalOf(
  { deps, cachedReads: reads }: RequestContext,
  permissions: CallerPermissions,
  action: Action,
  scope: Scope,
): Promise<ChatMessage | null> {
  if (permissions.kind === 'unknown') return null;
  if (permissions.kind === 'known' && (permissions.mayHaveMore || permissions.may(action, scope))) return null;
  const catalogue = (await reads.catalogue(BRIEF_PATIENCE_MS))?.value;
  const now = deps.clock.now();
  if (permissions.kind === 'refused') {
    const contactText: Text = catalogue === undefined ? [] : whomToAsk(catalogue, action, scope, now);
    return refusal([`You don't have permission: ${permissions.because}. Nothing was done. `, ...contactText]);
  }
  return catalogue === undefined
    ? null
    : refusal([...notPermittedText(catalogue, action, scope, now), ' Nothing was done.']);
}

const refusal = (text: Text): ChatMessage => ({
  summary: "You don't have permission",
  parts: [{ kind: 'text', text }],
});
