import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { callbackify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import type { Fault, FaultRule, Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { StandInDeps } from './stand-in.ts';
import type { Store } from './store.ts';

/** As it is called in the journal and in faults. */
export const MAILBOX = 'mail';

const LETTER_MAX_BYTES = 1024 * 1024;

const TAKEN = 250;

/** Too many letters: another time. RFC 5321, 4.2.3 */
const LIMITED = 451;

type Parts = { store: Store; journal: Journal; faults: Faults; deps: StandInDeps; closing: AbortSignal };

/** What is answered instead of 250. */
class Reply extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

/** Faults that let the letter come in before they are played. */
const AFTERWARDS: readonly Fault['kind'][] = ['slow', 'lost'];

/** What is wrong with a fault of the mail server; undefined: it can be played. */
export function mailFault({ vendor, fault }: Pick<FaultRule, 'vendor' | 'fault'>): string | undefined {
  if (vendor !== MAILBOX) return undefined;
  if (fault.kind === 'late') return 'the mail server is never late: it can be slow, or its answer be lost';
  if (fault.kind === 'status' && fault.status < 400)
    return `the mail server refuses with 400 (for now) to 599 (for good), not with ${fault.status}`;
  return undefined;
}

/**
 * A mail server that takes every letter and delivers none: what came is in the journal, one call for each recipient, with
 * the letter as it was sent. Faults apply where a recipient is named, `RCPT /ada@example.com`; those that let it in, and
 * all that are for `DATA`, once the letter has come.
 */
export async function startMailbox(parts: Parts): Promise<{ url: string; close(): Promise<void> }> {
  const { store, journal, faults, deps, closing } = parts;
  /** By the port of the caller. */
  const sockets = new Map<number, Socket>();
  /** By connection and recipient: to be played when the letter has come. */
  const held = new Map<string, Fault>();

  const arrive = (address: string, fault: Fault | undefined, body = ''): number => {
    const letter = { vendor: MAILBOX, method: 'RCPT', path: `/${address}`, query: null, headers: {}, body };
    return journal.arrived({ ...letter, at: deps.now(), fault: fault?.kind ?? null });
  };

  /** Resolves when the recipient is taken. @throws Reply instead of 250 */
  const recipient = async ({ address }: { address: string }, { id, remotePort }: Session): Promise<void> => {
    const refused = await store.unit(() => {
      const fault = faults.take(MAILBOX, 'RCPT', `/${address}`);
      if (fault === undefined) return undefined;
      if (AFTERWARDS.includes(fault.kind)) return void held.set(`${id} ${address}`, fault);
      const code = codeOf(fault);
      const seq = arrive(address, fault);
      if (code !== undefined) journal.answered(seq, code);
      return fault;
    });
    if (refused) await refuse(refused, sockets.get(remotePort));
  };

  /** Resolves when the letter is taken, and nobody has to know otherwise. @throws Reply instead of 250 */
  const letter = async (stream: Readable, { id, remotePort, envelope }: Session): Promise<void> => {
    const body = await text(stream);
    const to = envelope.rcptTo.map(({ address }) => address);
    const { fault, calls } = await store.unit(() => {
      const faultOf = (address: string) => held.get(`${id} ${address}`) ?? faults.take(MAILBOX, 'DATA', `/${address}`);
      const [played] = to.flatMap((address) => faultOf(address) ?? []);
      for (const address of to) held.delete(`${id} ${address}`);
      const all = to.map((address) => arrive(address, played, body));
      const outcome = played === undefined || AFTERWARDS.includes(played.kind) ? TAKEN : undefined;
      for (const seq of all) if (outcome !== undefined) journal.decided(seq, outcome);
      return { fault: played, calls: all };
    });
    const answered = (status: number) => store.unit(() => calls.forEach((seq) => journal.answered(seq, status)));
    const code = fault === undefined ? TAKEN : codeOf(fault);
    if (fault?.kind === 'slow') await delay(fault.delay_ms, undefined, { signal: closing });
    if (code !== undefined) await answered(code);
    if (fault !== undefined && fault.kind !== 'slow') await refuse(fault, sockets.get(remotePort));
  };

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    size: LETTER_MAX_BYTES,
    logger: false,
    onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
    onRcptTo: (address, session, done) => callbackify(recipient)(address, session, done),
    onData: (stream, session, done) => callbackify(letter)(stream, session, done),
  });
  server.on('error', () => undefined); // a caller that hangs up is no news
  server.server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.once('close', () => sockets.delete(port));
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets.values()) socket.destroy();
      await closed;
    },
  };
}

type Session = { id: string; remotePort: number; envelope: { rcptTo: readonly { address: string }[] } };

/** What the caller is answered. Undefined: nothing. */
function codeOf(fault: Fault): number | undefined {
  if (fault.kind === 'status') return fault.status;
  if (fault.kind === 'rate_limit') return LIMITED;
  return fault.kind === 'slow' ? TAKEN : undefined;
}

/** @throws Reply; or never resolves: the caller hears nothing more */
async function refuse(fault: Fault, socket: Socket | undefined): Promise<void> {
  const code = codeOf(fault);
  if (code !== undefined) throw new Reply(code, wordsOf(fault));
  if (fault.kind === 'reset') socket?.resetAndDestroy();
  if (fault.kind === 'lost') socket?.destroy();
  await new Promise<never>(() => undefined);
}

function wordsOf(fault: Fault): string {
  if (fault.kind === 'status' && typeof fault.body === 'string') return fault.body;
  return fault.kind === 'rate_limit' ? '4.7.1 Too many letters, try again later' : 'as the sandbox was told to say';
}
