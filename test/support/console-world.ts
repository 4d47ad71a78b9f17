import { SessionTable } from '../../core/stores/access/sessions.ts';
import { sha256 } from '../../core/stores/hash.ts';
import { Table } from '../../core/stores/table.ts';
import { LIVE_LIMITS, type LiveLimits } from '../../entrances/console/live.ts';
import { consoleApp } from '../../entrances/console/routes.ts';
import type { ConsoleDeps } from '../../entrances/console/pages/page.ts';
import type { Product } from '../../functions/assembly/product.ts';
import { reportsHere } from '../../functions/assembly/reports.ts';
import type { TokenRecord } from '../../schemas/access/access.ts';
import { ROLES } from '../../schemas/people/people.ts';
import { FakeWorld, idleEngine } from './fake-deps.ts';
import { blobsInMemory } from './noun-stores.ts';

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

/** The console with people who have tokens of their names, over HTTP. @param ports in place of those of the world @param limits of open event streams */
export function consoleWorld(
  ports: (world: FakeWorld) => Partial<ConsoleDeps> = () => ({}),
  world: FakeWorld = new FakeWorld(),
  limits: LiveLimits = LIVE_LIMITS,
) {
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
  const deps: ConsoleDeps = {
    ...world.deps,
    sessions,
    secrets,
    tokens: tokensPort,
    drills: Object.assign(Object.create(null), { proved: async () => [] }),
    userCache: Object.assign(Object.create(null), { user: async () => undefined }),
    signIn: Object.create(null),
    blobs: blobsInMemory(),
    reports: reportsHere(() => deps as unknown as Product),
    ...ports(world),
  };
  const server: ReturnType<typeof consoleApp> = consoleApp(deps, limits);
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
  /** Presses the button `Undo` of a page. @param more fields of the second step */
  const undo = (page: string, sent: Sent = {}, more: Record<string, string> = {}) => {
    const [form = '', path = ''] =
      /<form[^>]*action="([^"]+)"[^>]*>(?:(?!<\/form>)[\s\S])*id="undo"[\s\S]*?<\/form>/.exec(page) ?? [];
    const fields = [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)];
    const own = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
    return post(path, { ...own, ...more }, sent);
  };
  return { world, sessions, tokens, tokensPort, server, get, post, undo };
}
