import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Firebreak } from '../../../test/support/firebreak.ts';
import { seen } from '../../../test/support/fixtures.ts';

/** Too many to send in sequence within the time limits. */
const MANY = Array.from({ length: 20 }, (_, n) => `nr${n}@acme.example`);

const RESPONSE = `
stakeholders:
  - { email: [${MANY.join(', ')}] }
  - { slack: '#status' }
escalation: { afterMinutes: 2, times: 2 }
triage: { acknowledgeMinutes: 2, commanderMinutes: off, updateMinutes: off }
`;

let firebreak: Firebreak;
let server: Server;
const connections = new Set<Socket>();
let tried = 0;

beforeAll(async () => {
  server = createServer((socket) => {
    tried += 1;
    connections.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  firebreak = await Firebreak.start({
    services: { checkout: { environments: { production: {} } } },
    configFiles: { 'response.yaml': RESPONSE },
    timeScale: 60, // one minute is one second, less than one attempt at the mail server
    env: {
      SMTP_URL: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
      MAIL_FROM: 'Firebreak <noreply@acme.example>',
    },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  for (const socket of connections) socket.destroy();
  server?.close();
});

test('a hanging mail server delays neither pages nor Slack', async () => {
  const wanted = { service: 'checkout', environment: 'production', title: 'Payments fail', severity: 'critical' };
  const { body } = await firebreak.post('/v1/incidents', wanted);
  const timeline = async (): Promise<string[]> =>
    (await firebreak.get(`/v1/incidents/${body.id}/timeline`)).body.items.map(({ kind }: { kind: string }) => kind);
  const paged = async () => (await timeline()).filter((kind) => kind === 'page.escalated').length;

  await seen(async () => tried > 0, 'an attempt at the mail server');
  await seen(async () => (await paged()) === 2, 'two escalations');
  await seen(async () => (await timeline()).includes('reminder.triage'), 'a reminder');
  const slack = await firebreak.get('/sandbox/slack/channels/status');
  expect(JSON.stringify(slack.body)).toContain('Payments fail');
  expect(tried).toBeLessThan(MANY.length / 4);
});
