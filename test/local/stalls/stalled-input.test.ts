import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearRefusedInputs, type Input, refusalOf } from '../../../core/actions/input-in-progress.ts';
import { QuarantineFull } from '../../../core/domain/alerts/quarantine.ts';
import type { Quarantine } from '../../../core/domain/ports/alerts.ts';
import { answerAbout, identityOf, stalledInputFile } from '../../../local/stalls/answer.ts';
import { refuseStalledInput } from '../../../local/stalls/stalled-input.ts';
import { silent } from '../../support/fake-deps.ts';

const AT = '2026-11-23T12:00:00.000Z';
const NOW = Date.parse(AT);
const HOUR_MS = 3_600_000;

const body = new TextEncoder().encode('{"title": "slow"}');
const request = (more: Partial<Extract<Input, { kind: 'request' }>> = {}): Input => ({
  kind: 'request',
  method: 'POST',
  path: '/v1/alerts/generic',
  route: '/v1/alerts/generic',
  request_id: 'r',
  source: 'token:ci',
  address: '203.0.113.1',
  content_type: 'application/json',
  body,
  ...more,
});

type Kept = Parameters<Quarantine['keep']>[0];

let dir: string;
let kept: Kept[];
const quarantine: Pick<Quarantine, 'keep'> = { keep: async (input) => `q_${kept.push(input)}` };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stalled-'));
  kept = [];
});
afterEach(async () => {
  clearRefusedInputs();
  await rm(dir, { recursive: true });
});

/** Stores what the worker stores when the main thread is busy with this input. */
const stall = (input: Input | undefined) =>
  writeFile(
    stalledInputFile(dir),
    JSON.stringify({ ...(JSON.parse(answerAbout(input, ['f'])) as object), at: AT, stalled_seconds: 30.4 }),
  );

/** Starts the product at this time. */
const start = async (at = NOW, into = quarantine) => (await refuseStalledInput(dir, silent, at))(into);

test('an alert is kept as its sender sent it, once, and refused when it comes again', async () => {
  await stall(request());
  await start();
  expect(kept).toMatchObject([
    {
      source: 'generic',
      sender: 'generic:token:ci',
      receiver: '/v1/alerts/generic',
      contentType: 'application/json',
      status: null,
    },
  ]);
  expect(Buffer.from(kept[0]?.body ?? [])).toEqual(Buffer.from(body));
  expect(kept[0]?.detail).toContain(`for 30 s at ${AT}`);

  clearRefusedInputs();
  await start(NOW + HOUR_MS);
  expect(kept.length).toBe(1);
  expect(refusalOf(request())).toContain('for 30 s');
  expect(refusalOf(request({ path: '/v1/alerts/grafana' }))).toBeUndefined();
  expect(refusalOf(request({ body: new TextEncoder().encode('{"title": "slow "}') }))).toBeUndefined();
});

test('a request is processed again after a day', async () => {
  await stall(request());
  await start();
  clearRefusedInputs();
  await start(NOW + 25 * HOUR_MS);
  expect(refusalOf(request())).toBeUndefined();
});

test('an input is refused before it is in quarantine, and stays stored until it is there', async () => {
  await stall(request());
  await expect(start(NOW, { keep: () => Promise.reject(new Error('throttled')) })).rejects.toThrow('throttled');
  expect(refusalOf(request())).toBeDefined();
  expect(existsSync(stalledInputFile(dir))).toBe(true);
  await start();
  expect(kept.length).toBe(1);
  expect(existsSync(stalledInputFile(dir))).toBe(false);
});

test('an input over the quota of its sender is kept nevertheless', async () => {
  await stall(request());
  const full: Pick<Quarantine, 'keep'> = {
    keep: async (input) => {
      if (input.sender !== null) throw new QuarantineFull(input.source, input.sender);
      return quarantine.keep(input);
    },
  };
  await start(NOW, full);
  expect(kept).toMatchObject([{ source: 'generic', sender: null }]);
});

test.each<[string, Input, { source: string; receiver: string; sender: string | null } | undefined]>([
  [
    'a queue message',
    { kind: 'message', source: 'queue', id: 'm', body },
    { source: 'queue', receiver: 'queue', sender: null },
  ],
  [
    'an action of a person',
    { kind: 'message', source: 'people', id: 'm', body },
    { source: 'people', receiver: 'people', sender: null },
  ],
  [
    'a request for rollbacks',
    request({ path: '/api/v1/rollback' }),
    { source: 'alertmanager', receiver: '/api/v1/rollback', sender: 'alertmanager:token:ci' },
  ],
  [
    'a signed webhook of GitHub, with its event',
    request({ path: '/integrations/github/webhook', source: undefined, event: 'push' }),
    { source: 'github', receiver: '/integrations/github/webhook?event=push', sender: 'github:github:signature' },
  ],
  [
    'a report of a change',
    request({ path: '/integrations/argo-cd/webhook' }),
    { source: 'argo-cd', receiver: '/integrations/argo-cd/webhook', sender: 'argo-cd:token:ci' },
  ],
  ['not a request that its sender can repeat', request({ path: '/v1/deployments' }), undefined],
  ['not a run of a workflow, whose data is in the table', { kind: 'execution', arn: 'a' }, undefined],
])('the quarantine keeps %s', async (_, input, expected) => {
  await stall(input);
  await start();
  expect(kept).toMatchObject(expected === undefined ? [] : [expected]);
  expect(refusalOf(input)).toBeDefined();
});

test.each<[string, Input | undefined]>([
  ['a job', { kind: 'job', name: 'sweep' }],
  ['a request without a body, which depends on stored data', request({ method: 'GET', body: undefined })],
  ['code of no input', undefined],
])('%s is not refused', async (_, input) => {
  await stall(input);
  await start();
  expect(kept).toEqual([]);
  if (input !== undefined) expect(refusalOf(input)).toBeUndefined();
  expect(existsSync(stalledInputFile(dir))).toBe(false);
});

test('a file of another version does not prevent the start', async () => {
  await writeFile(stalledInputFile(dir), '{"input": {"kind": "new"}}');
  await start();
  expect(kept).toEqual([]);
});

test('the log identifies an input without its content', () => {
  const { input } = JSON.parse(answerAbout(request(), []));
  expect(identityOf(input)).toEqual({
    input: 'request',
    method: 'POST',
    route: '/v1/alerts/generic',
    request_id: 'r',
    source: 'token:ci',
    address: '203.0.113.1',
    bytes: body.byteLength,
  });
});
