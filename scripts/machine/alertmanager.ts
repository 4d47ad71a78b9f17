import { freePort } from '../../packages/demo/free-port.ts';
import { startAlertmanager } from '../../test/support/prometheus-stack.ts';

/**
 * Runs an Alertmanager with one firing alert and Firebreak as its receiver, until `heard` resolves.
 *
 * @throws Error if it does not start, or what `heard` throws
 */
export async function firing<T>(
  { url, token, labels }: { url: string; token: string; labels: Record<string, string> },
  heard: () => Promise<T>,
): Promise<T> {
  const webhook = { url: `${url}/v1/alerts/alertmanager`, http_config: { authorization: { credentials: token } } };
  const alertmanager = await startAlertmanager({
    port: await freePort(),
    config: {
      route: { receiver: 'firebreak', group_by: ['service', 'environment'], group_wait: '0s', group_interval: '1s' },
      receivers: [{ name: 'firebreak', webhook_configs: [webhook] }],
    },
  });
  try {
    const sent = await fetch(`${alertmanager.url}/api/v2/alerts`, {
      method: 'POST',
      body: JSON.stringify([{ labels, annotations: { summary: 'Error ratio above 5 %' } }]),
      headers: { 'content-type': 'application/json' },
    });
    if (!sent.ok) throw new Error(`the Alertmanager answered ${sent.status}`);
    return await heard();
  } finally {
    await alertmanager.stop();
  }
}
