import { expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import type { AuditEntry } from '../../../../core/domain/ports/audit.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

test('shows display names of known people beside the sealed text', async () => {
  const world = new FakeWorld();
  world.config = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    people: { people: { ada: { name: 'Ada Park' } } },
  });
  const entry = (actor: string, text: string): AuditEntry & { sealed: boolean; hash: null } => ({
    id: actor,
    at: world.clock.now(),
    actor,
    kind: 'freeze.ended',
    subject: 'f',
    text,
    detail: {},
    sealed: false,
    hash: null,
  });
  const items = [entry('slack:U0CAROL', 'Lifted by slack:U0CAROL'), entry('ada', 'by ada'), entry('slack:U0DAN', '')];
  const chain = { intact: true, entries: 0, sealedUntil: null, brokenAt: null, because: null };
  const user = { id: 'U0CAROL', team: 'T1', email: null, name: 'Carol', kind: 'member' } as const;
  const server = api({
    ...world.deps,
    secrets: { get: async (name) => (name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : undefined) },
    audit: { ...world.deps.audit, list: async () => ({ items, next_cursor: null }), check: async () => chain },
    userCache: {
      ...world.deps.userCache,
      user: async (id) => (id === user.id ? { user, at: world.clock.now() } : undefined),
    },
  });
  const answer = await server.request('/v1/audit', { headers: { authorization: 'Bearer admin' } });
  expect(await answer.json()).toMatchObject({
    items: [
      {
        actor: 'slack:U0CAROL',
        actor_name: 'Carol',
        text: 'Lifted by slack:U0CAROL',
        text_named: 'Lifted by Carol',
      },
      { actor: 'ada', actor_name: 'Ada Park', text_named: 'by ada' },
      { actor: 'slack:U0DAN', actor_name: 'slack:U0DAN' },
    ],
  });
});
