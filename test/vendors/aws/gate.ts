import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';
import type { RollbackCall } from '../../../core/domain/rollback/targets.ts';
import type { Fault } from '../../../packages/sandbox/core/faults.ts';
import type { StandIns } from '../../../packages/sandbox/core/index.ts';
import { sandbox, setFault, start } from '../../../packages/sandbox/test/support.ts';
import type { Trouble } from '../target-conformance.ts';

/**
 * The gate's own faults, because the stand-in selects faults by method and path, but most AWS APIs have one path for
 * all operations.
 */
const FAULTS: Record<Exclude<Trouble, 'late_effect'>, Fault> = {
  lost_answer: { kind: 'lost' },
  throttled: { kind: 'rate_limit' },
  refused: {
    kind: 'status',
    status: 400,
    body: { __type: 'AccessDeniedException', message: 'User: sandbox is not authorized to perform: this' },
  },
  server_error: { kind: 'status', status: 500, body: { __type: 'ServerException', message: 'Internal error' } },
};

export type Gate = {
  standIns: StandIns;
  /** The address of the gate, which forwards to the stand-in. */
  url: string;
  /** Sets the fault of the next call that changes something. */
  trouble(trouble: Trouble | Fault): Promise<void>;
  /** Releases held calls, then advances the time at AWS by these milliseconds. */
  pass(millis: number): Promise<void>;
  /** Returns milliseconds since the Unix epoch. */
  now(): number;
  /** Returns the number of calls that changed something and got a response of 200 or 201 from AWS. */
  changed(): number;
  sandbox<T>(method: string, path: string, body?: unknown): Promise<T>;
};

/** Starts a proxy between an adapter and the AWS stand-in that recognizes calls that change something. */
export async function openGate(changes: (call: { method: string; operation: string }) => boolean): Promise<Gate> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test-secret');
  vi.stubEnv('AWS_SESSION_TOKEN', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  let now = Date.now(); // role sessions expire by the clock of the SDKs
  const standIns = await start({ now: () => now });
  let armed: Trouble | Fault | undefined;
  let held: (() => Promise<unknown>) | undefined;
  let giveUp: AbortController | undefined;
  let done = 0;

  const forward = async (request: IncomingMessage, body: Buffer): Promise<Response> => {
    const headers = Object.entries(request.headers).filter(
      ([name]) => !/^(host|connection|content-length)$/.test(name),
    );
    const { method = 'GET', url = '/' } = request;
    const answer = await fetch(standIns.urls.aws + url, {
      method,
      headers: headers as [string, string][],
      ...(method !== 'GET' && { body: new Uint8Array(body) }),
    });
    if (isChange(request) && answer.ok) done += 1;
    return answer;
  };
  const isChange = ({ method = '', headers }: IncomingMessage): boolean =>
    changes({ method, operation: String(headers['x-amz-target'] ?? '').split('.')[1] ?? '' });

  const handle = async (request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> => {
    const trouble = isChange(request) ? armed : undefined;
    if (trouble !== undefined) armed = undefined;
    if (trouble === 'late_effect') {
      held = () => forward(request, body);
      giveUp?.abort(new DOMException('the time limit', 'TimeoutError'));
      return;
    }
    if (trouble === 'lost_answer') done += 1; // counted here, because its response is lost
    if (trouble !== undefined) {
      const fault = typeof trouble === 'string' ? FAULTS[trouble] : trouble;
      await setFault(standIns, { vendor: 'aws', fault, times: 1 });
    }
    const answer = await forward(request, body).catch(() => undefined);
    if (answer === undefined) return void response.destroy();
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void handle(request, Buffer.concat(chunks), response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  return {
    standIns,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async trouble(trouble) {
      armed = trouble;
      if (trouble !== 'late_effect') return;
      giveUp = new AbortController();
      const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementationOnce(() => giveUp?.signal ?? AbortSignal.abort());
      onTestFinished(() => {
        spy.mockRestore();
      });
    },
    async pass(millis) {
      const late = held;
      held = undefined;
      await late?.();
      now += millis;
    },
    now: () => now,
    changed: () => done,
    sandbox: (method, path, body) => sandbox(standIns, method, `/aws${path}`, body),
  };
}

/** Returns a request to roll back from v42 to v41. */
export const rollback = (more: Partial<Record<keyof RollbackCall, string | null>> = {}): RollbackCall =>
  ({
    service: 'checkout',
    environment: 'production',
    incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
    reason: 'INC-42 HighErrorBurnRate',
    key: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.roll-back.1',
    from: 'v42',
    to: 'v41',
    fromCommit: null,
    toCommit: null,
    ...more,
  }) as RollbackCall;

export const said = (text: string): string => expect.stringContaining(text) as string;
