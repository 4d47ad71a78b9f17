import { EVERYWHERE } from '../../domain/access/access.ts';
import type { Tokens } from '../../domain/ports/access.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Caller } from './caller.ts';

/**
 * Revokes a token, which stays listed as revoked.
 *
 * @throws Refusal 403, 404
 */
export async function revokeToken({ tokens }: { tokens: Tokens }, caller: Caller, id: string): Promise<void> {
  caller.allow('tokens:write', EVERYWHERE);
  if (!(await tokens.revoke(id, caller.name))) throw new Refusal(404, 'unknown-token', `no token has the ID ${id}`);
}
