import { describe, expect, test } from 'vitest';
import { readFlaggerEvent } from '../../../vendors/flagger/event.ts';
import { Hook } from '../../../vendors/flagger/hook.ts';
import { webhook } from '../../support/webhooks.ts';

const read = (name: string, changed: (body: any) => unknown = (body) => body) =>
  readFlaggerEvent(Hook.parse(changed(JSON.parse(webhook(`flagger/event-${name}`).body))));

describe('an event of Flagger', () => {
  test('starts the rollout of the checksum, with the version of the metadata', () => {
    expect(read('started')).toEqual({
      reports: [
        {
          source: 'flagger',
          key: 'checkout/Canary/checkout-api 85d557f47b',
          object: 'checkout/Canary/checkout-api',
          at: '2026-11-20T08:01:00.000Z',
          subject: {
            kubernetesWorkload: 'checkout/Canary/checkout-api',
            service: 'checkout-api',
            environment: 'production',
          },
          status: 'started',
          version: '1.4.0',
          started_at: '2026-11-20T08:01:00.000Z',
        },
      ],
    });
  });

  test.each([
    ['advanced', 'started'],
    ['halted', 'started'],
    ['threshold', 'started'],
    ['succeeded', 'succeeded'],
    ['failed', 'failed'],
    ['restarted', 'cancelled'],
  ])('%s: %s', (name, status) => {
    expect(read(name)).toMatchObject({ reports: [{ status }] });
  });

  // Flagger 1.34 to 1.41 sends the end of a rollout with the phase before.
  test.each([
    ['Finalising', 'Promotion completed! Scaling down checkout-api.checkout'],
    ['Progressing', 'Promotion completed! Canary analysis was skipped for checkout-api.checkout'],
  ])('in phase %s, "%s" has succeeded', (phase, eventMessage) => {
    const earlier = (body: any) => ({ ...body, phase, metadata: { ...body.metadata, eventMessage } });
    expect(read('succeeded', earlier)).toMatchObject({ reports: [{ status: 'succeeded', version: '1.4.0' }] });
    expect(read('failed', (body) => ({ ...earlier(body), phase: 'Failed' }))).toHaveProperty('ignored');
  });

  test.each(['new-revision', 'waiting'])('%s: names the previous rollout, so it is no change', (name) => {
    expect(read(name)).toHaveProperty('ignored');
  });

  test('does not give the rollout that it ends the version of the next one', () => {
    expect(read('restarted')).not.toHaveProperty('reports.0.version');
  });

  test('takes the tag of an image in the metadata, and the cluster', () => {
    const metadata = { timestamp: '1795161600000', image: 'ghcr.io/acme/checkout:1.5.0', cluster: 'eu' };
    expect(read('started', (body) => ({ ...body, metadata }))).toMatchObject({
      reports: [
        {
          key: 'eu/checkout/Canary/checkout-api 85d557f47b',
          version: '1.5.0',
          images: ['ghcr.io/acme/checkout:1.5.0'],
        },
      ],
    });
  });
});
