import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Checks } from '../../scripts/machine/checks.ts';
import { Story } from '../../scripts/machine/story.ts';
import { vendorThat } from '../vendors/server.ts';

const ROOT = join(import.meta.dirname, '../..');

test('without an Alertmanager, a check of the image says that it was skipped, and the recording has a name of its own', async () => {
  const { PATH } = process.env;
  process.env['PATH'] = '';
  const log = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => {
    process.env['PATH'] = PATH;
    log.mockRestore();
  });
  const { url, received } = await vendorThat(({ method }) =>
    method === 'POST'
      ? { status: 202 }
      : { body: JSON.stringify({ items: [{ id: 'INC-1', service: 'checkout-api', status: 'open' }] }) },
  );
  const checks = new Checks();
  await new Story(ROOT, url).open(checks);
  expect(received[0]).toMatchObject({ method: 'POST', path: '/v1/alerts/alertmanager' });
  expect(log.mock.calls.flat()).toEqual([
    'skipped: a real Alertmanager opens an incident: no Alertmanager is installed',
    expect.stringMatching(/^ok {4}a recorded request of an Alertmanager opens an incident: INC-1 /),
  ]);
  expect(checks).toMatchObject({ passed: 1, failed: 0, skipped: 1 });
});
