import { html } from 'hono/html';
import * as z from 'zod';
import { replay, type Replayed } from '../../../http/webhooks/replay.ts';
import type { Html } from '../../parts.ts';
import { field, type PageAction, type Sent } from '../page.ts';
import type { ConsoleDeps } from '../page.ts';

/** What a person can do about quarantined inputs, with the same use case as over HTTP. */
export const REPLAY: PageAction = {
  permission: 'quarantine:replay',
  done: 'Replayed.',
  run: async (deps, sent) => replayedText(await replayNow(deps, sent, field(sent.form, 'id', z.string().max(64)))),
};

function replayNow(deps: ConsoleDeps, { viewer, caller, trace }: Sent, id: string): Promise<Replayed> {
  // The input can contain alerts that ask for a rollback; their original sender is no longer known.
  const mayAsk = (scope: Parameters<typeof viewer.may>[1]) => viewer.may('rollback:request', scope);
  return replay(deps, caller, { id, trace, sender: { name: viewer.sender, mayRequestRollback: mayAsk } });
}

const replayedText = ({ accepted, quarantined, truncated }: Replayed): Html =>
  html`<p>
    Replayed: ${accepted}
    accepted${quarantined === 0 ? '' : `, ${quarantined} still in quarantine as entries of their own`}${
      truncated === 0 ? '' : `; the sender had left out ${truncated}`
    }.
  </p>`;
