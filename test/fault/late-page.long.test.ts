import { expect, onTestFinished, test } from 'vitest';
import { alert, group } from '../support/alerts.ts';
import { eventually } from '../support/firebreak.ts';
import { AttendedProduct } from '../support/scenario/product.ts';
import { type AroundEffect, startVendors } from '../support/scenario/vendors.ts';

const TIME_SCALE = 1000;

test('a page that PagerDuty accepts after the incident was closed is resolved there too', async () => {
  const triggers = { seen: 0 };
  const closed = Promise.withResolvers<void>();
  const slowFirstTrigger: AroundEffect = async ({ body }, effect) => {
    if (body.includes('"trigger"') && triggers.seen++ === 0) await closed.promise;
    return effect();
  };
  const vendors = await startVendors({ timeScale: TIME_SCALE, around: slowFirstTrigger });
  onTestFinished(() => vendors.close());
  const product = await AttendedProduct.start({ services: { checkout: {} }, timeScale: TIME_SCALE, env: vendors.env });
  onTestFinished(() => product.remove());

  const firing = alert({ labels: { action: 'none' } });
  await product.insist('POST', '/v1/alerts/alertmanager', group([firing]));
  await eventually(async () => triggers.seen > 0, 'the page to be sent');
  await product.insist(
    'POST',
    '/v1/alerts/alertmanager',
    group([{ ...firing, status: 'resolved', endsAt: new Date().toISOString() }]),
  );

  const isClosed = async () => (await product.get('/v1/incidents')).body.items[0]?.status === 'resolved';
  await eventually(isClosed, 'the incident to be closed');
  closed.resolve();
  await eventually(async () => (await vendors.pagerDutyIncidents())[0]?.status === 'resolved', 'the end of the page');
  await expect
    .poll(async () => (await product.get('/v1/incidents')).body.items[0])
    .toMatchObject({
      status: 'resolved',
      effects: [
        { kind: 'page', state: 'succeeded' },
        { kind: 'page-resolve', state: 'succeeded' },
      ],
    });
});
