import { SessionTable } from '../../stores/access/sessions.ts';
import { sha256 } from '../../stores/core/hash.ts';
import { Table } from '../../stores/core/table.ts';
import { consoleApp } from '../../http/web/routes.ts';
import type { ConsoleDeps } from '../../http/web/pages/page.ts';
import type { TokenRecord } from '../../schemas/access/access.ts';
import { ROLES } from '../../schemas/people/people.ts';
import { FakeWorld, idleEngine } from './fake-deps.ts';

const HOST = 'firebreak.example.com';

export const tokenRecord = (
  name: string,
  actions: TokenRecord['actions'],
  more: Partial<TokenRecord> = {},
): TokenRecord => ({
  id: `tok_${name}`,
  name,
  actions,
  sources: null,
  services: null,
  environments: null,
  expires_at: null,
  created_at: '2026-11-20T12:00:00.000Z' as TokenRecord['created_at'],
  created_by: 'admin',
  ...more,
});

export type Sent = { cookie?: string; token?: string; headers?: Record<string, string>; host?: string };

/** The console with people who have tokens of their names, over HTTP. @param ports in place of those of the world */
export function consoleWorld(ports: (world: FakeWorld) => Partial<ConsoleDeps> = () => ({})) {
  const world = new FakeWorld();
  world.engine = idleEngine();
  const secrets: ConsoleDeps['secrets'] = { get: async (name) => ({ FIREBREAK_ADMIN_TOKEN: 'admin' })[name] };
  const sessions = new SessionTable(new Table(world.store), world.clock, secrets);
  const tokens = new Map([
    ['ada', tokenRecord('ada', ROLES.admin.actions)],
    ['grace', tokenRecord('grace', ROLES.responder.actions)],
    ['vera', tokenRecord('vera', ROLES.viewer.actions)],
    ['cora', tokenRecord('cora', ROLES.responder.actions, { services: ['cart'] })],
    ['ci', tokenRecord('ci', ['deployments:write'])],
  ]);
  const tokensPort: ConsoleDeps['tokens'] = Object.assign(Object.create(null), {
    find: async (hash: string) => [...tokens].find(([token]) => sha256(token) === hash)?.[1],
  });
  const server: ReturnType<typeof consoleApp> = consoleApp({
    ...world.deps,
    sessions,
    secrets,
    tokens: tokensPort,
    freezes: Object.assign(Object.create(null), { current: async () => [] }),
    drills: Object.assign(Object.create(null), { proved: async () => [] }),
    userCache: Object.assign(Object.create(null), { user: async () => undefined }),
    signIn: Object.create(null),
    ...ports(world),
  });
  const headersOf = ({ cookie, token, headers = {}, host = HOST }: Sent) => ({
    host,
    accept: 'text/html',
    ...(cookie !== undefined && { cookie }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  });
  const get = (path: string, sent: Sent = {}) =>
    server.request(`https://${sent.host ?? HOST}${path}`, { headers: headersOf(sent) });
  const post = (path: string, fields: Record<string, string>, sent: Sent = {}) =>
    server.request(`https://${sent.host ?? HOST}${path}`, {
      method: 'POST',
      headers: {
        origin: `https://${sent.host ?? HOST}`,
        'content-type': 'application/x-www-form-urlencoded',
        ...headersOf(sent),
      },
      body: new URLSearchParams(fields).toString(),
    });
  return { world, sessions, tokens, tokensPort, server, get, post };
}
