import type { Context } from 'hono';
import { Refusal } from '../../actions/refusal.ts';
import { QuarantineFull } from '../../domain/alerts/quarantine.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Env } from '../context.ts';

/** A body that cannot be read. `status` 400: it is not JSON, 422: its format is unknown. */
export type UnreadableBody = {
  source: string;
  /** Name of the sender, whose quota applies. */
  sender: string;
  /** Path of the receiver. */
  receiver: string;
  body: Uint8Array;
  status: 400 | 422;
  detail: string;
};

/** Stores a body that cannot be read in quarantine, and returns the response to its sender. */
export async function refuseUnreadable(
  c: Context<Env>,
  { quarantine }: Pick<Deps, 'quarantine'>,
  unreadable: UnreadableBody,
): Promise<Refusal> {
  const { source, status, detail } = unreadable;
  c.set('source', unreadable.sender);
  const contentType = c.req.header('content-type') ?? '';
  const id = await quarantine.keep({ ...unreadable, contentType }).catch((error: unknown) => {
    if (error instanceof QuarantineFull) return null;
    throw error;
  });
  c.var.log.warn('a report of changes could not be parsed', { source, detail, quarantine: id });
  const fate = id === null ? 'not kept, because the quarantine is full for today' : `kept in quarantine as ${id}`;
  return new Refusal(status, status === 400 ? 'not-json' : 'invalid', `${detail} (${fate})`);
}
