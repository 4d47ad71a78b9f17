import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, cli } from '../../../test/entrances/cli/support.ts';
import { alert, group, minutesAgo } from '../../../test/support/alerts.ts';
import { EACH_ALONE, Firebreak } from '../../../test/support/firebreak.ts';
import { seen } from '../../../test/support/fixtures.ts';

const ASKS = `---
title: Ask before the flag
match: { runbook: asks }
steps:
  - id: sure
    uses: approve
    with: { text: "Are you sure?" }
    timeout: 30m
  - id: off
    uses: flag.disable
    with: { flag: search-ranking }
    approval: true
    timeout: 5m
---
Ask first.
`;

let firebreak: Firebreak;
let incident: string;

beforeAll(async () => {
  const production = { deployer: { kind: 'http' }, autoRollback: { mode: 'approve', evidence: 'time' } };
  firebreak = await Firebreak.start({
    services: { checkout: { environments: { production } } },
    runbooks: { 'asks.md': ASKS },
    configFiles: EACH_ALONE,
    timeScale: 10, // no question expires during the tests
  });
  for (const [version, minutes] of [
    ['v1', 300],
    ['v2', 5],
  ] as const) {
    const times = ['--started-at', minutesAgo(minutes), '--finished-at', minutesAgo(minutes - 2), '--no-migration'];
    await at(firebreak, 'deploy', 'record', 'checkout', 'production', version, ...times);
  }
  const alerts = [alert({ labels: { runbook: 'asks' }, startsAt: minutesAgo(0.5) })];
  await firebreak.post('/v1/alerts/alertmanager', group(alerts));
  await seen(async () => {
    const [one] = (await firebreak.get('/v1/incidents?service=checkout')).body.items;
    incident = one?.id;
    return one?.decisions.length >= 2; // the judgement, and the question of the runbook
  }, 'both decisions');
});
afterAll(() => firebreak?.remove());

test('replay evaluates all decisions again, with the same result', async () => {
  const { code, out } = await at(firebreak, 'replay', incident.slice(-6)); // the end of the id, as in other commands
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(
      /^same +1 {2}approve {2}\w+\nsame +1\d{6} {2}approve {2}runbook_requires_approval\n2 decisions evaluated again: all the same/,
    ),
  ]);
});

test('replay reports decisions that differ', async () => {
  // The relay alters the stored inputs: the kill switch is on.
  const relay = createServer((request, response) => {
    void firebreak.get(request.url ?? '').then(({ status, body }) => {
      if (body.inputs_json !== undefined)
        body.inputs_json = body.inputs_json.replace('"paused":false', '"paused":true');
      response.writeHead(status).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const { code, out, err } = await cli(['replay', incident], { env: { FIREBREAK_URL: url, FIREBREAK_TOKEN: 'x' } });
  relay.close();
  expect(out).toMatch(/^DIFFERENT {2}1 {2}approve .*\n +kind: "approve" then, "suggest" now\n +reasons: /);
  expect([code, err]).toEqual([1, '1 of 2 decisions differ\n']);
});
