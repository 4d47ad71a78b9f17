import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { programPath } from '../../test/support/prometheus-stack.ts';
import { firing } from './alertmanager.ts';
import { type Checks, eventually } from './checks.ts';

/** The service of the recorded alert, as docs/how-to/production.md configures one at first. */
export const SERVICES = `services:
  checkout-api:
    team: payments
    environments:
      production:
        autoRollback: { mode: shadow }
`;

export const TOKEN = 'only-for-this-check';

const Incidents = z.object({ items: z.array(z.object({ id: z.string(), service: z.string(), status: z.string() })) });
const Timeline = z.object({ items: z.array(z.object({ text: z.string() })) });

/** One incident in a Firebreak at a URL, across restarts and upgrades. */
export class Story {
  private readonly root: string;
  private readonly url: string;
  private readonly service: string;
  private id = '';

  constructor(root: string, url: string, service = 'checkout-api') {
    this.root = root;
    this.url = url;
    this.service = service;
  }

  private async request(method: string, path: string, body?: string): Promise<Response> {
    return await fetch(this.url + path, {
      method,
      ...(body !== undefined && { body }),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(20_000),
    });
  }

  /** Waits until Firebreak is ready. @param isAlive returns why not, if its process has ended */
  async ready(whyEnded: () => string | undefined): Promise<void> {
    await eventually('Firebreak is ready', async () => {
      const why = whyEnded();
      if (why !== undefined) throw new Error(`Firebreak ended:\n${why}`);
      return await this.request('GET', '/readyz').then(
        ({ status }) => (status === 200 ? true : undefined),
        () => undefined,
      );
    });
  }

  /** Returns the version that runs. */
  async version(): Promise<string | undefined> {
    const metrics = await (await this.request('GET', '/metrics')).text();
    return /^firebreak_build_info\{.*?version="([^"]+)"/m.exec(metrics)?.[1];
  }

  /** Checks that a real Alertmanager opens the incident. If none is installed, a recorded request of one opens it. */
  async open(checks: Checks): Promise<void> {
    const heard = () => eventually('the incident is open', async () => (await this.incidents('open'))[0]);
    const real = 'a real Alertmanager opens an incident';
    if (programPath('alertmanager') === undefined) {
      checks.omit(real, 'no Alertmanager is installed');
      await checks.check('a recorded request of an Alertmanager opens an incident', async () => {
        await this.sendRecorded();
        return (this.id = await heard());
      });
      return;
    }
    const labels = {
      alertname: 'HighErrorRate',
      service: this.service,
      environment: 'production',
      severity: 'critical',
    };
    await checks.check(real, async () => (this.id = await firing({ url: this.url, token: TOKEN, labels }, heard)));
  }

  private async sendRecorded(): Promise<void> {
    const file = join(this.root, 'test/fixtures/alertmanager/firing-critical-auto-rollback.request.json');
    const { body } = z.object({ body: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8')));
    const now = new Date(Date.now() - 60_000).toISOString();
    const sent = await this.request(
      'POST',
      '/v1/alerts/alertmanager',
      body.replaceAll(/"startsAt":"[^"]+"/g, `"startsAt":"${now}"`),
    );
    if (sent.status !== 202) throw new Error(`the alert was answered with ${sent.status}: ${await sent.text()}`);
  }

  private async incidents(status: string): Promise<string[]> {
    const read = await this.request('GET', `/v1/incidents?status=${status}&service=${this.service}`);
    return Incidents.parse(await read.json()).items.map(({ id }) => id);
  }

  /** Continues the open incident of the service, which this story did not open. @throws Error unless there is one */
  async adopt(): Promise<void> {
    this.id = (await this.incidents('open'))[0] ?? '';
    await this.isOpen();
  }

  /** @throws Error unless exactly the incident of this story is open */
  async isOpen(): Promise<void> {
    const open = await this.incidents('open');
    if (open.length === 1 && open[0] === this.id) return;
    const read = await this.request('GET', `/v1/incidents/${this.id}`);
    throw new Error(`open incidents: ${open.join(', ') || 'none'}; ${this.id}: ${(await read.text()).slice(0, 1000)}`);
  }

  /** Resolves the incident as a person, and waits until its workflow has ended it. */
  async resolve(): Promise<void> {
    const before = await this.timeline();
    const asked = await this.request('POST', `/v1/incidents/${this.id}/actions/resolve`, '{}');
    if (!asked.ok) throw new Error(`resolve was answered with ${asked.status}: ${await asked.text()}`);
    await eventually('the incident is resolved', async () =>
      (await this.incidents('resolved')).includes(this.id) ? true : undefined,
    );
    const after = await this.timeline();
    const lost = before.filter((text) => !after.includes(text));
    if (lost.length > 0) throw new Error(`lost from the timeline: ${lost.join('; ')}`);
  }

  private async timeline(): Promise<string[]> {
    const read = await this.request('GET', `/v1/incidents/${this.id}/timeline?limit=100`);
    return Timeline.parse(await read.json()).items.map(({ text }) => text);
  }
}
