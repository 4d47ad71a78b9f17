import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually, Firebreak } from '../../support/firebreak.ts';
import { canReceiveNotifications, NotifySocket } from '../support/systemd.ts';

/** Long enough for a ping after two seconds, short enough for a test. */
const WATCHDOG_USEC = String(6_000_000);

let firebreak: Firebreak;
let systemd: NotifySocket | undefined;
afterEach(async () => {
  await firebreak.remove();
  await systemd?.close();
  systemd = undefined;
});

/** Prepares the product, which stalls at texts with `stall in KIND` while the file `released` does not exist. */
async function prepare(): Promise<{ start: (more?: { stalls: boolean }) => Promise<void>; released: string }> {
  firebreak = await Firebreak.prepare({
    services: { one: { team: 'a' }, two: { team: 'b' } },
    nodeArgs: ['--import', './test/e2e/support/stall.ts'],
    unshown: true,
  });
  const released = join(firebreak.dataDir, 'test-released');
  const watchdog = systemd && { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC };
  return {
    released,
    start: ({ stalls } = { stalls: true }) =>
      firebreak.start({ ...watchdog, ...(stalls && { FIREBREAK_STALL_UNTIL: released }) }),
  };
}

const alert = (service: string, title: string) => ({
  service,
  environment: 'production',
  severity: 'critical',
  title,
  dedup_key: title,
  status: 'firing',
});

const send = (service: string, title: string) => firebreak.post('/v1/alerts/generic', alert(service, title));

/** Returns the complete lines of the log with a message. */
const lines = (message: RegExp): any[] =>
  firebreak.output
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{') && message.test(line))
    .map((line) => JSON.parse(line));

/** Waits for a message about an input of this kind: a busy machine has stalls of its own. */
const logged = (message: RegExp, kind: string) =>
  eventually(async () => lines(message).find(({ input }) => input === kind), `${message} about ${kind}`);

/** Waits until the product counts the stalls of its main thread. */
const measured = (): Promise<unknown> =>
  eventually(async () => {
    const { body } = await firebreak.get('/metrics');
    const [, seconds] = /^firebreak_main_thread_stall_seconds_total (\S+)$/m.exec(body) ?? [];
    const [, stalls] = /^firebreak_main_thread_stalls_total (\d+)$/m.exec(body) ?? [];
    return Number(stalls) > 0 && Number(seconds) > 0;
  }, 'the stall in the metrics');

const incidentOf = (service: string) =>
  eventually(async () => {
    const { body } = await firebreak.get('/v1/incidents');
    return body.items.find((one: { service: string }) => one.service === service);
  }, `an incident of ${service}`);

test('a stall is reported with its input while it lasts, and measured', async () => {
  const { start, released } = await prepare();
  await start();
  // The first description of an input reads source maps, which can be a stall of its own on a busy machine.
  expect((await send('two', 'stall in nothing')).status).toBe(202);
  const sent = send('one', 'stall in request');
  const line = await eventually(
    async () =>
      lines(/what the main thread is busy with/).find(({ stack }) =>
        stack.join('\n').includes('core/actions/alerts/read-payload.ts'),
      ),
    'where the main thread is busy',
  );
  expect(line).toMatchObject({ input: 'request', method: 'POST', route: '/v1/alerts/generic', source: 'admin' });
  expect(line.request_id).toMatch(/./);
  expect(JSON.stringify(lines(/main thread/))).not.toContain('stall in request');

  await writeFile(released, '');
  expect((await sent).status).toBe(202);
  await measured();
  await incidentOf('one');
});

describe.runIf(canReceiveNotifications)('systemd restarts a process whose main thread stalls', () => {
  /** Returns the kind of the input that the next start excludes. */
  async function storedKind(): Promise<string | undefined> {
    const { input } = JSON.parse(await readFile(join(firebreak.dataDir, 'stalled-input.json'), 'utf8'));
    return input?.kind;
  }

  /** Sends an alert that stalls the process, and ends the process as systemd does once its input is stored. */
  async function stallUntilKilled(kind: string, more = ''): Promise<void> {
    // Each state is sent by a process of its own, so they may arrive in another order.
    const isNotified = (state: string) => systemd?.states.includes(state) === true;
    await eventually(async () => isNotified('READY=1') && isNotified('WATCHDOG=1'), 'systemd is notified');
    const sent = send('one', `stall in ${kind}${more}`).catch(() => undefined); // the connection breaks
    await eventually(async () => (await storedKind()) === kind, 'the input is stored');
    await firebreak.kill9();
    await sent;
  }

  const quarantined = async () => (await firebreak.get('/v1/quarantine')).body.items;

  test('an alert that stalls its receiver is kept in quarantine, and an identical one is refused', async () => {
    systemd = await NotifySocket.open();
    const { start } = await prepare();
    await start();
    await stallUntilKilled('request', ' forever');

    await start();
    const [entry, ...others] = await quarantined();
    expect(entry).toMatchObject({ source: 'generic', detail: expect.stringContaining('kept the main thread busy') });
    expect(others).toEqual([]);
    expect(await logged(/an input stalled the main thread/, 'request')).toMatchObject({ quarantine: entry.id });
    expect(await send('one', 'stall in request forever')).toMatchObject({
      status: 422,
      body: { code: 'stalled-before' },
    });
    expect((await send('two', 'another alert')).status).toBe(202);
    await incidentOf('two');

    await firebreak.kill9();
    await start({ stalls: false });
    expect((await quarantined()).length).toBe(1);
    expect((await firebreak.post(`/v1/quarantine/${entry.id}/replay`)).status).toBeLessThan(300);
    await incidentOf('one');
  });

  test('an accepted alert that stalls its routing is kept in quarantine, and others go on', async () => {
    systemd = await NotifySocket.open();
    const { start } = await prepare();
    await start();
    await stallUntilKilled('message');

    await start();
    const entries = await quarantined();
    expect(entries).toMatchObject([
      { source: 'queue', detail: expect.stringContaining('kept the background thread busy') },
    ]);
    expect((await send('two', 'another alert')).status).toBe(202);
    await incidentOf('two');

    await firebreak.stop();
    // The last watchdog may arrive after it.
    await eventually(async () => systemd?.states.includes('STOPPING=1'), 'systemd knows that it stops');
  });

  test('a workflow that stalls counts as a failed run, and the next run takes over', async () => {
    systemd = await NotifySocket.open();
    const { start } = await prepare();
    await start();
    await stallUntilKilled('execution');

    await start({ stalls: false });
    await logged(/an input stalled the background thread/, 'execution');
    const { id } = await incidentOf('one');
    await eventually(async () => {
      const { body } = await firebreak.get(`/v1/incidents/${id}/timeline`);
      return body.items.some(({ text }: { text: string }) => /Run 1 of the workflow has failed/.test(text));
    }, 'the next run takes over');
    await eventually(async () => (await firebreak.calls('pagerduty')).length > 0, 'the page');
  });
});
