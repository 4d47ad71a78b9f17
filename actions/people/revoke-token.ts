import { EVERYWHERE } from '../../domain/access/access.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';

/**
 * Revokes a token, which stays listed as revoked.
 *
 * @throws Refusal 403, 404
 */
export async function revokeToken({ tokens }: Pick<Deps, 'tokens'>, caller: Caller, id: string): Promise<void> {
  caller.allow('tokens:write', EVERYWHERE);
  if (!(await tokens.revoke(id, caller.name))) throw new Refusal(404, 'unknown-token', `no token has the ID ${id}`);
}
