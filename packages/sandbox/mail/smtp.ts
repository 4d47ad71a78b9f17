import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A reply: its code and text. */
export type Reply = readonly [code: number, text: string];

/** Handles what a caller sends. Each handler returns the reply, or undefined if it has ended the connection instead. */
export type Handlers = {
  /** Called for each recipient. Below 400, it is accepted. */
  recipient(address: string, socket: Socket): Promise<Reply | undefined>;
  /** Called for each message with its accepted recipients. */
  message(recipients: readonly string[], body: string, socket: Socket): Promise<Reply | undefined>;
};

const MESSAGE_MAX_CHARS = 1024 * 1024;

const OK: Reply = [250, 'OK'];

/**
 * Starts a mail server on a free loopback port. It has the commands of RFC 5321 that senders need, accepts any user and
 * password, and offers no TLS.
 */
export async function startSmtp(handlers: Handlers): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void talk(socket, handlers).catch(() => socket.destroy()); // a caller that disconnected
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Answers the caller until it leaves. */
async function talk(socket: Socket, handlers: Handlers): Promise<void> {
  const lines = linesOf(socket);
  const nextLine = async (): Promise<string> => {
    const { value } = await lines.next();
    if (value === undefined) throw new Error('the caller disconnected');
    return value;
  };
  const reply = (answer: Reply | undefined): void => {
    if (answer) socket.write(`${answer.join(' ')}\r\n`);
  };
  let recipients: string[] = [];

  reply([220, 'stand-in ESMTP']);
  for await (const line of lines) {
    const [command = '', ...words] = line.split(' ');
    const argument = words.join(' ');
    const address = argument.slice(argument.indexOf('<') + 1).split('>', 1)[0] ?? '';
    switch (command.toUpperCase()) {
      case 'EHLO':
        socket.write(
          `250-stand-in\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN\r\n250 SIZE ${MESSAGE_MAX_CHARS}\r\n`,
        );
        break;
      case 'AUTH':
        if (!argument.includes(' ')) {
          reply([334, '']);
          await nextLine();
        }
        reply([235, 'Accepted']);
        break;
      case 'MAIL':
      case 'RSET':
        recipients = [];
        reply(OK);
        break;
      case 'RCPT': {
        const answer = await handlers.recipient(address, socket);
        if (answer && answer[0] < 400) recipients.push(address);
        reply(answer);
        break;
      }
      case 'DATA': {
        if (recipients.length === 0) {
          reply([503, 'No recipients']);
          break;
        }
        reply([354, 'End with a line that contains only a dot']);
        const body = await bodyOf(nextLine);
        reply(body === undefined ? [552, 'Message too large'] : await handlers.message(recipients, body, socket));
        recipients = [];
        break;
      }
      case 'HELO':
      case 'NOOP':
        reply(OK);
        break;
      case 'QUIT':
        socket.end('221 Bye\r\n');
        return;
      default:
        reply([502, 'Command not implemented']);
    }
  }
}

/** Reads a message without the dots that its sender added to lines. Undefined if it is too large. RFC 5321, 4.5.2 */
async function bodyOf(nextLine: () => Promise<string>): Promise<string | undefined> {
  let body = '';
  for (let line = await nextLine(); line !== '.'; line = await nextLine()) {
    if (body.length <= MESSAGE_MAX_CHARS) body += `${line.replace(/^\./, '')}\r\n`;
  }
  return body.length <= MESSAGE_MAX_CHARS ? body : undefined;
}

async function* linesOf(socket: Socket): AsyncGenerator<string, undefined> {
  let rest = '';
  socket.setEncoding('utf8');
  for await (const chunk of socket as AsyncIterable<string>) {
    const lines = `${rest}${chunk}`.split('\r\n');
    rest = lines.pop() ?? '';
    if (rest.length > MESSAGE_MAX_CHARS) return;
    yield* lines;
  }
}
