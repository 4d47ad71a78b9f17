import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group } from '../../../test/support/alerts.ts';
import { Firebreak } from '../../../test/support/firebreak.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({ services: { listed: { environments: { production: {} } } }, unshown: true });
});
afterAll(() => firebreak?.remove());

describe('while a text that is built to be slow is read, an alert gets its 202 within a second', () => {
  const SLOW = '/'.repeat(120_000);
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const trace = {
    resourceSpans: [
      {
        resource: { attributes: [attribute('vcs.repository.url.full', `https://github.com/a${SLOW}b`)] },
        scopeSpans: [{ spans: [{ attributes: [attribute('cicd.pipeline.run.id', '1')], endTimeUnixNano: '1' }] }],
      },
    ],
  };
  // A machine that is busy otherwise is not a failure; a frozen process would be one each time.
  test.each<[name: string, send: () => Promise<{ status: number }>, status: number]>([
    ['a trace', () => firebreak.post('/v1/traces', trace), 200],
  ])('%s', { retry: 2 }, async (_, send, status) => {
    const progress = { isRead: false };
    const sent = send().finally(() => (progress.isRead = true));
    const labels = { alertname: 'Meanwhile', service: 'listed', environment: 'production', severity: 'info' };
    while (!progress.isRead) {
      const at = performance.now();
      expect((await firebreak.post('/v1/alerts/alertmanager', group([alert({ labels })]))).status).toBe(202);
      expect(performance.now() - at).toBeLessThan(1000);
    }
    expect((await sent).status).toBe(status);
  });

  test('a span with an attribute that is too long is rejected by its name', async () => {
    expect((await firebreak.post('/v1/traces', trace)).body).toEqual({
      partialSuccess: {
        rejectedSpans: '1',
        errorMessage: '1: vcs.repository.url.full is longer than 2048 characters',
      },
    });
  });
});
