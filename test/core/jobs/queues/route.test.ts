import { describe, expect, test } from 'vitest';
import type { Arrival } from '../../../../core/domain/alerts/admission.ts';
import { toSignal } from '../../../../core/domain/alerts/signal.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import { route } from '../../../../core/jobs/queues/route.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { SignalMessage } from '../../../../schemas/alerts/signal.ts';
import { sources } from '../../../../schemas/alerts/sources/index.ts';
import { alert, group } from '../../../support/alerts.ts';
import { batchOf } from '../../../support/batches.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

const NO_CATALOGUE = Config.parse({ version: 'test', services: {}, paging: {} });

/** Creates a message with an alert for each fingerprint. */
function message(...fingerprints: string[]): string {
  const body = JSON.stringify(group(fingerprints.map((fingerprint) => alert({ fingerprint }))));
  const result = sources.get('alertmanager')?.parse(body, () => 0);
  if (result?.ok !== true) throw new Error(result?.fault.detail);
  const signals = result.parsed.alerts.map((one) => toSignal(one, NO_CATALOGUE));
  const of: SignalMessage = {
    receipt: 'r',
    receivedAt: '2026-11-20T12:00:00.000Z' as SignalMessage['receivedAt'],
    trace: 't',
    signals,
  };
  return JSON.stringify(of);
}

/** A table that throws `error` for these alerts and records the accepted ones. */
function table(bad: string, error: Error) {
  const { deps } = new FakeWorld();
  const taken: string[] = [];
  const kept: string[] = [];
  const incidents: Product['incidents'] = Object.assign(Object.create(deps.incidents), {
    admit: async (arrivals: readonly Arrival[]) => {
      const fingerprints = arrivals.map(({ signal }) => signal.fingerprint);
      if (fingerprints.some((fingerprint) => fingerprint.startsWith(bad))) throw error;
      taken.push(...fingerprints);
      const counts = { opened: 0, joined: 0, recorded: 0, known: 0 };
      return { wake: [], opened: [], withoutIncident: [], ignoredEnds: [], counts };
    },
  });
  const quarantine: Product['quarantine'] = Object.assign(Object.create(deps.quarantine), {
    keep: async ({ body }: { body: Uint8Array }) => `q_${kept.push(Buffer.from(body).toString())}`,
  });
  const silences: Product['silences'] = { active: async () => null, inhibitsSlowBurns: async () => null };
  return { deps: { ...deps, incidents, quarantine, silences }, taken, kept };
}

const named = (name: string, text = name): Error => Object.assign(new Error(text), { name });

describe('a signal that can never be stored is quarantined and does not affect others', () => {
  test.each([
    named('ValidationException', 'Item size has exceeded the maximum allowed size'),
    named('SerializationException'),
    named('TransactionCanceledException', 'Transaction cancelled [None, ValidationError]'),
    new URIError('URI malformed'),
    new RangeError('Maximum call stack size exceeded'),
    new TypeError("Cannot read properties of undefined (reading 'labels')"),
    new ReferenceError('severity is not defined'),
    new SyntaxError('Unexpected end of JSON input'),
    named('$ZodError'),
  ])('%s', async (error) => {
    const { deps, taken, kept } = table('bad', error);
    const failed = await route(deps, batchOf(['g', message('good-1', 'bad-1', 'good-2')], ['g', message('later')]));
    expect(failed).toEqual([]);
    expect(taken).toEqual(['good-1', 'good-2', 'later']);
    expect(kept.map((body) => JSON.parse(body).signals)).toMatchObject([[{ fingerprint: 'bad-1' }]]);
  });

  test.each(['', 'null', '{', '{"signals":[]}', '[]'])('an invalid message: %s', async (body) => {
    const { deps, taken, kept } = table('bad', new Error('not asked'));
    const failed = await route(deps, batchOf(['g', body], ['g', message('later')]));
    expect(failed).toEqual([]);
    expect(taken).toEqual(['later']);
    expect(kept).toEqual([body]);
  });
});

test.each([
  named('ProvisionedThroughputExceededException'),
  named('TransactionCanceledException', 'Transaction cancelled [TransactionConflict]'),
  named('TimeoutError'),
  named('Error', 'connect ECONNREFUSED'),
  new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
  new TypeError('terminated'),
])('an infrastructure failure fails the message and the later ones of its group: %s', async (error) => {
  const { deps, taken, kept } = table('bad', error);
  const failed = await route(deps, batchOf(['a', message('bad-1')], ['b', message('other')], ['a', message('after')]));
  expect(failed.map(({ id }) => id)).toEqual(['1', '3']);
  expect(taken).toEqual(['other']);
  expect(kept).toEqual([]);
});
