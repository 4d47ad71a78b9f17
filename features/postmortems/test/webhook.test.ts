import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { webhookReceivers } from '../../../vendors/webhook/receivers.ts';
import { sync } from '../../../core/projectors/sync.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { vendor, type Vendor } from '../../../test/vendors/server.ts';
import { FakeWorld, idleEngine, silent } from '../../../test/support/fake-deps.ts';
import { ends, fires, theIncident } from '../../../test/workflows/play.ts';
import { StoredProjections } from '../../../test/vendors/projectors/stored-projections.ts';
import { savePostmortem } from '../actions/postmortem.ts';
import { withPorts } from '../ports.ts';
import { webhookProjector } from '../projectors/webhook.ts';

const SECRET = `whsec_${Buffer.from('a key of the receiver').toString('base64')}`;

let world: FakeWorld;
let projections: StoredProjections;
let id: IncidentId;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  projections = new StoredProjections(world.clock);
  configured({});
  await fires()(world);
  id = theIncident(world);
});

const configured = (response: object) => {
  world.config = Config.parse({
    version: 'test',
    services: { checkout: { environments: { production: {} } } },
    paging: {},
    response,
  });
};

/** Advances the time, marks the subject, and runs the projector. */
async function changed(subject: Subject = `incident:${id}`, seconds = 90): Promise<void> {
  world.clock.set(world.clock.millis + seconds * 1000);
  await projections.changed(subject);
  await passes(0);
}

async function passes(seconds = 90): Promise<void> {
  world.clock.set(world.clock.millis + seconds * 1000);
  const { clock, deps } = world;
  const projector = webhookProjector({
    ...withPorts(deps),
    projections,
    publicUrl: 'https://firebreak.example.com',
    receivers: webhookReceivers({
      clock,
      secrets: { get: async (name) => (name === 'HOOK_SECRET' ? SECRET : undefined) },
    }),
  });
  await sync('webhooks', { clock, log: silent, projections }, projector);
}

async function resolved(): Promise<void> {
  await ends()(world);
  const { seq } = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  expect(await world.deps.incidents.resolve(id, seq, 'ada', 'over')).toBe('resolved');
}

const bodies = ({ received }: Vendor) => received.map(({ body }) => JSON.parse(body));
const ids = ({ received }: Vendor) => received.map(({ headers }) => headers['webhook-id']);

describe('a published post-mortem', () => {
  const saved = (markdown: string, state: 'draft' | 'published') =>
    savePostmortem(withPorts(world.deps), { name: 'ada', allow: () => undefined }, id, { markdown, state });
  const over = () => changed(`postmortem:${id}`);
  const selected = ({ url }: Vendor, more: object = {}) => ({
    url,
    signature: 'HOOK_SECRET',
    events: ['postmortem.published'],
    ...more,
  });

  test('is sent once for each published version, signed, with the text as it was approved', async () => {
    const [to, unselected, other, teams] = [await vendor({}), await vendor({}), await vendor({}), await vendor({})];
    configured({
      webhooks: [
        selected(to),
        { url: unselected.url, signature: 'HOOK_SECRET' },
        selected(other, { services: ['cart'] }),
        { url: teams.url, format: 'teams', events: ['postmortem.published'] },
      ],
    });
    await resolved();
    await saved('# Ours\n\nNot approved.\n', 'draft');
    await over();
    expect(to.received).toEqual([]);
    await saved('# Ours [x](https://evil.example)\n\nApproved \u{1F525}.\n', 'published');
    await over();
    await over();
    await saved('# Ours\n\nCorrected.\n', 'published');
    await over();
    expect([unselected, other].map(({ received }) => received)).toEqual([[], []]);
    expect(bodies(to)).toEqual(
      ['# Ours [x](https://evil.example)\n\nApproved \u{1F525}.\n', '# Ours\n\nCorrected.\n'].map((markdown, n) => ({
        type: 'postmortem.published',
        timestamp: expect.any(String),
        data: {
          incident_id: id,
          revision: n + 2,
          service: 'checkout',
          environment: 'production',
          severity: 'SEV1',
          title: n === 0 ? 'Ours [x](https://evil.example)' : 'Ours',
          published_at: bodies(to)[0].timestamp,
          updated_at: bodies(to)[n].timestamp,
          url: 'https://firebreak.example.com/console/incidents/INC-1/postmortem',
          markdown,
        },
      })),
    );
    for (const { headers, body } of to.received) {
      const content = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
      const digest = createHmac('sha256', 'a key of the receiver').update(content).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${digest}`);
    }
    expect(new Set(ids(to)).size).toBe(2);
    const [{ content }] = bodies(teams)[0].attachments;
    expect(content.body[0].inlines[1].text).toBe('Ours [x](https://evil.example)');
    expect(JSON.stringify(content)).not.toContain('Approved');
  });

  test('is sent again with the same ID and body until it is accepted, and not after it is a draft again', async () => {
    const to = await vendor({ status: 503 }, { cut: 200 }, { status: 204 }, { status: 403 });
    configured({ webhooks: [selected(to)] });
    await resolved();
    await saved('# Ours\n', 'published');
    await over();
    for (let n = 0; n < 3; n += 1) await passes();
    expect(to.received).toHaveLength(3);
    expect(new Set(ids(to)).size).toBe(1);
    expect(new Set(to.received.map(({ body }) => body)).size).toBe(1);
    await saved('# Theirs\n', 'published');
    await over();
    await passes(700);
    expect(to.received).toHaveLength(5);
    await saved('# Theirs\n', 'draft');
    await passes(700);
    expect(to.received).toHaveLength(5);
  });

  test('is not sent to receivers that are added long after it', async () => {
    const to = await vendor({});
    await resolved();
    await saved('# Ours\n', 'published');
    configured({ webhooks: [selected(to)] });
    await changed(`postmortem:${id}`, 8 * 86_400);
    expect(to.received).toEqual([]);
  });
});
