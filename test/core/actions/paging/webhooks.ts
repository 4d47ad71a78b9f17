import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { api } from '../../../../entrances/http/app.ts';
import { processPagerDutyEvent } from '../../../../core/actions/paging/process-event.ts';
import type { InboundEvent } from '../../../../schemas/messages/inbound-events.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

const FOLDER = fileURLToPath(new URL('../../../fixtures/pagerduty', import.meta.url));

/** A recorded webhook of PagerDuty. */
export type Sent = { headers: Record<string, string>; body: string };

export const WEBHOOKS = readdirSync(FOLDER)
  .filter((file) => file.startsWith('webhook-'))
  .map((file) => file.replace('.request.json', ''));

export const webhook = (name: string): Sent & { secret: { webhookSecret: string } } =>
  JSON.parse(readFileSync(`${FOLDER}/${name}.request.json`, 'utf8'));

export const SECRET = webhook('webhook-ping').secret.webhookSecret;

export const sign = (body: string, secret = SECRET): string =>
  `v1=${createHmac('sha256', secret).update(body).digest('hex')}`;

/** Signs the webhook again. */
export const signed = (body: string, headers: Record<string, string> = {}): Sent => ({
  headers: { 'content-type': 'application/json', 'x-pagerduty-signature': sign(body), ...headers },
  body,
});

/** The start time of the test worlds. */
const NOW = '2026-11-20T12:00:00.000Z';

/** Returns the event of a fixture, with changes and the current time, as a new webhook. */
export function about(name: string, change: { key?: string; data?: object; event?: object }): Sent {
  const { event } = JSON.parse(webhook(name).body) as { event: { id: string; data: object } };
  const data = { ...event.data, ...(change.key !== undefined && { incident_key: change.key }), ...change.data };
  return signed(JSON.stringify({ event: { ...event, occurred_at: NOW, ...change.event, data } }));
}

/** The path from PagerDuty's request to its effects: receiver, queue, and consumer. */
export class Receiver {
  readonly world = new FakeWorld();
  readonly queue: { event: InboundEvent; group: string }[] = [];
  readonly kept: { source: string; body: string; detail: string }[] = [];
  secret: string | undefined = SECRET;
  queueDown = false;
  readonly #app = api({
    ...this.world.deps,
    secrets: { get: async (name) => (name === 'PAGERDUTY_WEBHOOK_SECRET' ? this.secret : undefined) },
    inbound: {
      send: async (event, group) => {
        if (this.queueDown) throw new Error('the queue is down');
        this.queue.push({ event, group });
      },
    },
    quarantine: Object.assign({}, this.world.deps.quarantine, {
      keep: async ({ source, body, detail }: { source: string; body: Uint8Array; detail: string }) => {
        this.kept.push({ source, body: Buffer.from(body).toString(), detail });
        return `q${this.kept.length}`;
      },
    }),
  });

  async receive({ headers, body }: Sent): Promise<{ status: number; body: any }> {
    const response = await this.#app.request('/integrations/pagerduty/webhook', { method: 'POST', headers, body });
    return { status: response.status, body: await response.json() };
  }

  /** Consumes all waiting messages, in their queue format. */
  async hear(): Promise<void> {
    for (const { event } of this.queue.splice(0)) {
      const { at, ...rest } = JSON.parse(JSON.stringify(event)) as InboundEvent;
      await processPagerDutyEvent(this.world.deps, 'event' in rest ? rest.event : undefined, at);
    }
  }

  /** Sends a webhook and processes it. */
  async happens(sent: Sent): Promise<void> {
    const { status } = await this.receive(sent);
    if (status !== 202) throw new Error(`PagerDuty was answered ${status}`);
    await this.hear();
  }
}
