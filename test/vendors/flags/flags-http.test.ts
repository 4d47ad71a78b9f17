import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { flagsFor } from '../../../vendors/rollback-targets.ts';
import type { TargetResponse, FlagRequest, Flags } from '../../../core/domain/rollback/targets.ts';
import type { HttpFlags } from '../../../vendors/http-cd/flags.ts';
import { httpFlags } from '../../../vendors/http-cd/flags.ts';
import { FlagsConfig } from '../../../schemas/rollback/targets.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { calls, sandbox, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { conforms, troubles } from './conformance.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Received, type Reply, vendor } from '../server.ts';
import { standInsAt } from '../../../core/domain/catalogue/vendors.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const SECRETS: Record<string, string> = {
  FLAGS_TOKEN: 'flags-test',
  FLAGS_SIGNING: `whsec_${Buffer.from('a signing key of the CD').toString('base64')}`,
};
const secrets = { get: async (name: string) => SECRETS[name] };
const serviceEnvironment = { service: 'checkout-api' as ServiceName, environment: 'production' as EnvironmentName };

const flagsAt = (url: string, auth?: HttpFlags['auth']): Flags =>
  httpFlags({ kind: 'http', url, ...(auth && { auth }) }, { serviceEnvironment: serviceEnvironment, secrets, clock });

const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.flag-off.1';
const request: FlagRequest = {
  ...serviceEnvironment,
  flag: 'new-basket',
  on: false,
  incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId,
  reason: 'INC-42 HighErrorBurnRate',
  key: KEY,
};

const ON: Reply = { body: '{"on":true}' };
const OFF: Reply = { body: '{"on":false}' };
const said = (text: string) => expect.stringContaining(text) as string;

describe('the HTTP flag service conforms to the flag contract', () => {
  conforms(async () => {
    const standIns = await start();
    const state = { environment: serviceEnvironment.environment, flag: request.flag };
    const person = async (on: boolean) => void (await sandbox(standIns, 'PUT', '/flags/states', { ...state, on }));
    await person(true);
    const states = async () =>
      (await sandbox<{ items: { flag: string; on: boolean }[] }>(standIns, 'GET', '/flags/states')).items;
    return {
      flags: flagsAt(`${standIns.urls.flags}/environments/{environment}/flags/{flag}`),
      request,
      ...troubles(standIns, 'flags', 'PUT'),
      isOn: async () => (await states()).find(({ flag }) => flag === request.flag)?.on ?? false,
      async changes() {
        const { items } = await sandbox<{ items: unknown[] }>(standIns, 'GET', '/flags/changes');
        return items.length;
      },
      person,
    };
  });
});

describe('requests', () => {
  test("a read, then a change, at the flag's URL", async () => {
    const { url, received } = await vendor(ON, OFF);
    const flags = flagsAt(`${url}/{environment}/{flag}?of={flag}`, { bearer: 'FLAGS_TOKEN' });
    expect(await flags.set({ ...request, flag: 'new basket/2' })).toEqual({ kind: 'succeeded', id: null });
    const path = '/production/new%20basket%2F2?of=new%20basket%2F2';
    expect(received).toMatchObject([
      { method: 'GET', path, body: '', headers: { authorization: 'Bearer flags-test', accept: 'application/json' } },
      { method: 'PUT', path, headers: { authorization: 'Bearer flags-test', 'idempotency-key': KEY } },
    ]);
    expect(received[1]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(received[1]?.body ?? '')).toEqual({
      flag: 'new basket/2',
      environment: 'production',
      service: 'checkout-api',
      on: false,
      reason: 'INC-42 HighErrorBurnRate',
      incident_id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
      idempotency_key: KEY,
    });
  });

  test('none if the URL contains no flag', async () => {
    const { url, received } = await vendor(ON);
    expect(await flagsAt(`${url}/{environment}`).set(request)).toEqual({ kind: 'refused', detail: said('{flag}') });
    expect(received).toEqual([]);
  });

  test('the URL of a flag whose name contains a replacement pattern', async () => {
    const { url, received } = await vendor(ON);
    await flagsAt(`${url}/x/{flag}`).read('$&');
    expect(received[0]?.path).toBe('/x/%24%26');
  });

  test('no change if the read fails', async () => {
    const { url, received } = await vendor({ status: 503 });
    expect(await flagsAt(`${url}/{flag}`).set(request)).toMatchObject({ kind: 'later' });
    expect(received).toHaveLength(1);
  });
});

describe('the response to a change', () => {
  test.each<[string, Reply, TargetResponse]>([
    ['done', { status: 201, body: '{"on":false,"more":1}' }, { kind: 'succeeded', id: null }],
    ['accepted', { status: 202, body: '{"on":true}' }, { kind: 'in_progress', id: null, handle: null }],
    ['not done', { status: 200, body: '{"on":true}' }, { kind: 'failed', detail: said('still on') }],
    ['no state', { status: 204 }, { kind: 'later', detail: said('204'), afterSeconds: null }],
    ['HTML', { status: 200, body: '<html>' }, { kind: 'later', detail: said('<html>'), afterSeconds: null }],
    [
      'changed since, in words',
      { status: 409, body: '{"on":true,"error":"Ada put it back"}' },
      { kind: 'superseded', current: 'on: Ada put it back' },
    ],
    ['changed since', { status: 409, body: '{"on":true}' }, { kind: 'superseded', current: 'on' }],
    ['a conflict', { status: 409, body: '{"error":"frozen"}' }, { kind: 'refused', detail: said('frozen') }],
    ['a conflict with itself', { status: 409, body: '{"on":false}' }, { kind: 'refused', detail: said('409') }],
    ['404', { status: 404, body: 'gone' }, { kind: 'refused', detail: said('no flag "new-basket" in environment') }],
    ['401', { status: 401 }, { kind: 'refused', detail: said('401') }],
    ['422', { status: 422, body: 'no' }, { kind: 'refused', detail: said('422: no') }],
    ['408', { status: 408 }, { kind: 'later', detail: said('408'), afterSeconds: null }],
    [
      '429 with seconds',
      { status: 429, headers: { 'retry-after': '90' } },
      { kind: 'later', detail: said('429'), afterSeconds: 90 },
    ],
    [
      '503 with a date',
      { status: 503, headers: { 'retry-after': 'Fri, 20 Nov 2026 12:02:00 GMT' } },
      { kind: 'later', detail: said('503'), afterSeconds: 120 },
    ],
    ['half an answer', { cut: 200 }, { kind: 'later', detail: said('PUT'), afterSeconds: null }],
  ])('%s', async (_, reply, expected) => {
    const { url, received } = await vendor(ON, reply);
    expect(await flagsAt(`${url}/{flag}`).set(request)).toEqual(expected);
    expect(received).toHaveLength(2);
  });

  test('a redirect is not followed, because it could reveal the credential', async () => {
    const elsewhere = await vendor(OFF);
    const redirect: Reply = { status: 307, headers: { location: `${elsewhere.url}/` } };
    const { url } = await vendor(ON, redirect);
    const flags = flagsAt(`${url}/{flag}`, { bearer: 'FLAGS_TOKEN' });
    expect(await flags.set(request)).toEqual({ kind: 'refused', detail: said('307') });
    expect(await flags.read(request.flag)).toEqual({ kind: 'refused', detail: said('307') });
    expect(elsewhere.received).toEqual([]);
  });
});

describe('the response to a read', () => {
  test.each<[string, Reply, object]>([
    ['on', ON, { kind: 'state', on: true }],
    ['off', OFF, { kind: 'state', on: false }],
    ['another form', { body: '{"on":"yes"}' }, { kind: 'refused', detail: said('{"on": true}') }],
    ['404', { status: 404 }, { kind: 'refused', detail: said('"new-basket"') }],
    ['409', { status: 409, body: '{"on":true}' }, { kind: 'refused', detail: said('409') }],
    ['500', { status: 500, body: 'panic' }, { kind: 'later', detail: said('panic'), afterSeconds: null }],
  ])('%s', async (_, reply, expected) => {
    const { url } = await vendor(reply);
    expect(await flagsAt(`${url}/{flag}`).read(request.flag)).toEqual(expected);
  });

  test('a missing response is "later"; both calls take at most 15 seconds together', async () => {
    const limits = impatient();
    const { url } = await vendor(ON, 'hang');
    expect(await flagsAt(`${url}/{flag}`).set(request)).toMatchObject({ kind: 'later', detail: said('in time') });
    expect(limits).toEqual([5_000, 10_000]);
    expect(await flagsAt(`${await nobody()}/{flag}`).read(request.flag)).toMatchObject({ kind: 'later' });
  });
});

describe('authentication', () => {
  test('signs each body in the Standard Webhooks format', async () => {
    const { url, received } = await vendor(ON, OFF);
    await flagsAt(`${url}/{flag}`, { webhookSignature: 'FLAGS_SIGNING' }).set(request);
    expect(received.map((call) => isSigned(call, 'a signing key of the CD'))).toEqual([true, true]);
    expect(received.map((call) => isSigned(call, 'another key'))).toEqual([false, false]);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([`${url}/new-basket`, KEY]);
    expect(received.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });

  test('makes no call if its secret is not set', async () => {
    const { url, received } = await vendor(ON);
    for (const auth of [{ bearer: 'MISSING' }, { webhookSignature: 'MISSING' }])
      expect(await flagsAt(`${url}/{flag}`, auth).set(request)).toEqual({ kind: 'refused', detail: said('MISSING') });
    expect(received).toEqual([]);
  });

  test("doesn't reveal the secret in results", async () => {
    const { url } = await vendor({ status: 403, body: 'no' });
    const answers = [
      await flagsAt(`${url}/{flag}`, { bearer: 'FLAGS_TOKEN' }).set(request),
      await flagsAt(`${await nobody()}/{flag}`, { bearer: 'FLAGS_TOKEN' }).set(request),
    ];
    expect(JSON.stringify(answers)).not.toContain('flags-test');
  });
});

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function isSigned({ headers, body }: Received, key: string): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return String(headers['webhook-signature']).split(' ').includes(signature);
}

test('is created from a configuration, with the placeholders of its URL unchanged', async () => {
  const standIns = await start();
  const at = `${standIns.urls.flags}/environments/{environment}/flags/{flag}`;
  await sandbox(standIns, 'PUT', '/flags/states', { environment: 'production', flag: 'new-basket', on: true });
  const flags = await flagsFor(FlagsConfig.parse({ kind: 'http', url: at }), {
    serviceEnvironment: serviceEnvironment,
    secrets,
    clock,
    standIns: standInsAt(Object.values(standIns.urls)),
  });
  expect(flags?.standIn).toBe(true);
  expect(flags?.target).toContain(at);
  expect(await flags?.read('new-basket')).toEqual({ kind: 'state', on: true });
  expect((await calls(standIns, '?vendor=flags'))[0]?.path).toBe('/environments/production/flags/new-basket');
});

describe('the stand-in of a flag service', () => {
  const put = async (url: string, change: object, key = KEY) => {
    const headers = { 'idempotency-key': key };
    const response = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(change) });
    return { status: response.status, body: (await response.json()) as { on?: boolean; error?: string } };
  };
  const change = {
    flag: 'a',
    environment: 'qa',
    service: 's',
    on: false,
    reason: 'r',
    incident_id: 'i',
    idempotency_key: KEY,
  };

  test('accepts only changes that follow the contract', async () => {
    const standIns = await start();
    const at = `${standIns.urls.flags}/environments/qa/flags/a`;
    expect(await put(at, change)).toMatchObject({ status: 404 });
    for (const flag of ['a', 'b'])
      await sandbox(standIns, 'PUT', '/flags/states', { environment: 'qa', flag, on: true });
    expect(await put(at, {})).toMatchObject({ status: 422, body: { error: said('flag: is required') } });
    expect(await put(at, change, 'another')).toMatchObject({ status: 422, body: { error: said('Idempotency-Key') } });
    expect(await put(at, { ...change, flag: 'b' })).toMatchObject({
      status: 422,
      body: { error: said('does not match the URL') },
    });
    expect(await (await fetch(at)).json()).toEqual({ on: true });
    expect(await put(at, change)).toEqual({ status: 200, body: { on: false } });
    expect(await put(at, { ...change, on: true })).toMatchObject({ status: 422 });
    expect(await (await fetch(at, { method: 'PUT', body: '{' })).json()).toEqual({
      error: 'the body is not valid JSON',
    });
    await sandbox(standIns, 'PUT', '/flags/states', { environment: 'qa', flag: 'a', on: true });
    expect(await put(at, change)).toEqual({
      status: 409,
      body: { on: true, error: 'the flag was changed after this key was used' },
    });
  });
});
