import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Prints each datagram of a Unix socket. Node cannot receive them. */
const RECEIVER = `
use IO::Socket::UNIX; $| = 1;
my $socket = IO::Socket::UNIX->new(Type => IO::Socket::UNIX::SOCK_DGRAM(), Local => $ARGV[0]) or die $!;
print "listening\\n";
while (defined $socket->recv(my $datagram, 4096)) { print "$datagram\\n" }
`;

/** Whether the real systemd-notify and a Perl with sockets are installed. */
export const canReceiveNotifications =
  spawnSync('systemd-notify', ['--version']).status === 0 &&
  spawnSync('perl', ['-MIO::Socket::UNIX', '-e', '']).status === 0;

/** The socket at which a service notifies systemd. */
export class NotifySocket {
  readonly path: string;
  readonly #dir: string;
  readonly #receiver: ChildProcess;
  #output = '';

  private constructor(dir: string) {
    this.#dir = dir;
    this.path = join(dir, 'notify');
    this.#receiver = spawn('perl', ['-e', RECEIVER, this.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#receiver.stdout?.on('data', (chunk) => void (this.#output += String(chunk)));
  }

  static async open(): Promise<NotifySocket> {
    const socket = new NotifySocket(await mkdtemp(join(tmpdir(), 'notify-')));
    await once(socket.#receiver.stdout ?? socket.#receiver, 'data');
    return socket;
  }

  /** All received states, in order. */
  get states(): string[] {
    return this.#output.split('\n').filter((line) => /^(READY|WATCHDOG|STOPPING)=/.test(line));
  }

  async close(): Promise<void> {
    this.#receiver.kill('SIGKILL');
    await rm(this.#dir, { recursive: true, force: true });
  }
}
