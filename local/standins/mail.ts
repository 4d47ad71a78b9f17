import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { callbackify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import type { Journal } from './journal.ts';
import type { StandInDeps } from './stand-in.ts';
import type { Store } from './store.ts';

/** As it is called in the journal. */
export const MAILBOX = 'mail';

const LETTER_MAX_BYTES = 1024 * 1024;

const TAKEN = 250;

/**
 * A mail server that takes every letter and delivers none: what came is in the journal, one call for each recipient, with
 * the letter as it was sent.
 */
export async function startMailbox({
  store,
  journal,
  deps,
}: {
  store: Store;
  journal: Journal;
  deps: StandInDeps;
}): Promise<{ url: string; close(): Promise<void> }> {
  const take = async (stream: Readable, to: readonly { address: string }[]): Promise<void> => {
    const body = await text(stream);
    await store.unit(() => {
      for (const { address } of to) {
        const letter = { vendor: MAILBOX, method: 'RCPT', path: `/${address}`, query: null, headers: {}, body };
        journal.answered(journal.arrived({ ...letter, at: deps.now(), fault: null }), TAKEN);
      }
    });
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    size: LETTER_MAX_BYTES,
    logger: false,
    onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
    onData: (stream, { envelope }, done) => callbackify(take)(stream, envelope.rcptTo, done),
  });
  server.on('error', () => undefined); // a caller that hangs up is no news
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
