import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SEVERAL } from '../../../core/domain/incidents/incident-group.ts';
import { eventually, Firebreak } from '../../support/firebreak.ts';
import { deliver } from '../../support/fixtures.ts';
import { ANSWERS, answersOf, FILES, first, refusesOthers, SIGNS_TIME } from './receiving.ts';

/** One product, restarted without credentials for the files that need none. receivers.long.test.ts has the others. */
let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.prepare({
    unshown: true,
    services: {},
    env: { LOG_LEVEL: 'error' },
    timeScale: 1,
  });
});
afterAll(() => firebreak.remove());

test('every fixture of a sender has an expected response', () => {
  expect(FILES.map(({ path }) => path).toSorted()).toEqual(Object.keys(ANSWERS).toSorted());
});

describe("configured with Alertmanager's password and a Grafana that signs the timestamp", () => {
  const { env, files } = SIGNS_TIME;
  beforeAll(() => firebreak.start(env));
  afterAll(() => firebreak.stop());

  test.each(files)('%s gets the expected response', (path) => answersOf(firebreak, path));
  test('the credential of another sender is refused', () => refusesOthers(firebreak, files));

  const [, request] = first('grafana/firing-hmac-with-timestamp');
  const { hmacSecret = '', timestampHeader: header = '' } = request.secret ?? {};
  const signed = (at: number, over: Partial<{ body: string; secret: string; text: string }> = {}) => {
    const { body = request.body, secret = hmacSecret, text = String(at) } = over;
    const signature = createHmac('sha256', secret).update(`${text}:${body}`).digest('hex');
    return { ...request, headers: { ...request.headers, [header]: text, 'X-Grafana-Alerting-Signature': signature } };
  };
  const seconds = () => Math.floor(Date.now() / 1000);

  test.each([
    ['now', () => signed(seconds()), 202],
    ['four minutes ago', () => signed(seconds() - 240), 202],
    ['six minutes ago', () => signed(seconds() - 360), 401],
    ['in six minutes', () => signed(seconds() + 360), 401],
    ['with another secret', () => signed(seconds(), { secret: 'another' }), 401],
    ['over another body', () => signed(seconds(), { body: `${request.body} ` }), 401],
    ['without a valid timestamp', () => signed(seconds(), { text: 'now' }), 401],
  ])('signed %s: %s', async (_, make, status) => {
    expect((await deliver(firebreak, '/v1/alerts/grafana', make())).status).toBe(status);
  });

  test('a signature without its timestamp is refused', async () => {
    const { [header]: _, ...headers } = signed(seconds()).headers;
    expect((await deliver(firebreak, '/v1/alerts/grafana', { ...request, headers })).status).toBe(401);
  });
});

describe('configured with a token only', () => {
  beforeAll(() => firebreak.start());

  const withoutSecret = FILES.filter(({ requests }) => requests[0]?.secret === undefined).map(({ path }) => path);
  test.each(withoutSecret)('%s gets the expected response', (path) => answersOf(firebreak, path));

  test('a signature is refused if no secret is configured', async () => {
    for (const path of ['grafana/firing-hmac-body-only', 'grafana/firing-hmac-with-timestamp']) {
      const [, request] = first(path);
      expect((await deliver(firebreak, '/v1/alerts/grafana', request)).status).toBe(401);
    }
  });

  test('without a catalogue, all alerts are unmatched and nothing is rolled back', async () => {
    const own: any[] = await eventually(async () => {
      const queues = (await firebreak.get('/v1/queues')).body.items;
      if (queues.some(({ waiting, in_flight }: any) => waiting + in_flight > 0)) return undefined;
      const incidents = (await firebreak.get('/v1/incidents?limit=500')).body.items;
      const found = incidents.filter(({ service }: { service: string }) => service !== SEVERAL);
      return found.every(({ decisions }: any) => decisions.length > 0) && found;
    }, 'every alert routed, and every incident decided');
    expect(new Set(own.map(({ service }: { service: string }) => service))).toEqual(new Set(['unmatched']));
    expect(await firebreak.calls('cd')).toEqual([]);
  });
});
