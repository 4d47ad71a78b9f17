import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { callbackify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import type { Fault, FaultRule, Faults } from '../core/faults.ts';
import type { Journal } from '../core/journal.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import type { Store } from '../core/store.ts';

/** The vendor name in the journal and in faults. */
export const MAILBOX = 'mail';

const LETTER_MAX_BYTES = 1024 * 1024;

const TAKEN = 250;

/** Reply code for too many messages: try again later. RFC 5321, 4.2.3 */
const LIMITED = 451;

type Parts = { store: Store; journal: Journal; faults: Faults; deps: StandInDeps; closing: AbortSignal };

/** A reply other than 250. */
class Reply extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

/** Faults that apply after the message is accepted. */
const AFTERWARDS: readonly Fault['kind'][] = ['slow', 'lost'];

/** Returns why a fault does not apply to the mail server, or undefined if it does. */
export function mailFault({ vendor, fault }: Pick<FaultRule, 'vendor' | 'fault'>): string | undefined {
  if (vendor !== MAILBOX) return undefined;
  if (fault.kind === 'late') return 'the mail server has no fault "late"; use "slow" or "lost"';
  if (fault.kind === 'status' && fault.status < 400)
    return `a status of the mail server must be from 400 to 599 (4xx: temporary, 5xx: permanent), not ${fault.status}`;
  return undefined;
}

/**
 * Starts a mail server that accepts all messages and delivers none. The journal has one call for each recipient, with
 * the message as sent. Faults apply at the recipient, `RCPT /ada@example.com`. Faults that let the message in, and all
 * faults for `DATA`, apply after the message is received.
 */
export async function startMailbox(parts: Parts): Promise<{ url: string; close(): Promise<void> }> {
  const { store, journal, faults, deps, closing } = parts;
  /** Sockets by the caller's port. */
  const sockets = new Map<number, Socket>();
  /** Faults by connection and recipient that apply after the message is received. */
  const held = new Map<string, Fault>();

  const arrive = (address: string, fault: Fault | undefined, body = ''): number => {
    const request = { vendor: MAILBOX, method: 'RCPT', path: `/${address}`, query: null, headers: {}, body };
    return journal.arrived({ ...request, at: deps.now(), fault: fault?.kind ?? null });
  };

  /** Resolves when the recipient is accepted. @throws Reply if it is refused */
  const recipient = async ({ address }: { address: string }, { id, remotePort }: Session): Promise<void> => {
    const refused = await store.transaction(() => {
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

  /** Resolves when the message is accepted, after faults are applied. @throws Reply if it is refused */
  const message = async (stream: Readable, { id, remotePort, envelope }: Session): Promise<void> => {
    const body = await text(stream);
    const to = envelope.rcptTo.map(({ address }) => address);
    const { fault, calls } = await store.transaction(() => {
      const faultOf = (address: string) => held.get(`${id} ${address}`) ?? faults.take(MAILBOX, 'DATA', `/${address}`);
      const [played] = to.flatMap((address) => faultOf(address) ?? []);
      for (const address of to) held.delete(`${id} ${address}`);
      const all = to.map((address) => arrive(address, played, body));
      const outcome = played === undefined || AFTERWARDS.includes(played.kind) ? TAKEN : undefined;
      for (const seq of all) if (outcome !== undefined) journal.decided(seq, outcome);
      return { fault: played, calls: all };
    });
    const answered = (status: number) => store.transaction(() => calls.forEach((seq) => journal.answered(seq, status)));
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
    onData: (stream, session, done) => callbackify(message)(stream, session, done),
  });
  server.on('error', () => undefined); // ignore callers that disconnect
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

/** Returns the reply code of a fault, or undefined for no reply. */
function codeOf(fault: Fault): number | undefined {
  if (fault.kind === 'status') return fault.status;
  if (fault.kind === 'rate_limit') return LIMITED;
  return fault.kind === 'slow' ? TAKEN : undefined;
}

/** @throws Reply with the fault's code. Without a code, never resolves, so that the caller gets no reply */
async function refuse(fault: Fault, socket: Socket | undefined): Promise<void> {
  const code = codeOf(fault);
  if (code !== undefined) throw new Reply(code, wordsOf(fault));
  if (fault.kind === 'reset') socket?.resetAndDestroy();
  if (fault.kind === 'lost') socket?.destroy();
  await new Promise<never>(() => undefined);
}

function wordsOf(fault: Fault): string {
  if (fault.kind === 'status' && typeof fault.body === 'string') return fault.body;
  return fault.kind === 'rate_limit' ? '4.7.1 Too many messages, try again later' : 'Fault set in the sandbox';
}
