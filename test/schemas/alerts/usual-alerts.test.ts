import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupAlert, usualAlert } from '../../../schemas/alerts/sources/group.ts';
import { runs } from '../../support/runs.ts';

/** Text as senders write it, and as they should not. */
const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', '\ud83d', 'a'.repeat(256), 'a'.repeat(257), 'a'.repeat(20_000)),
);
const texts = fc.dictionary(text, fc.oneof({ weight: 20, arbitrary: text }, fc.jsonValue({ maxDepth: 1 })), {
  maxKeys: 4,
});
const time = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    '0001-01-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-11-20T06:43:40.145678901+01:00',
    '2026-11-20t06:43:40z',
    '2026-11-20T24:00:00Z',
    '9999-12-31T23:59:59-10:00',
    `2026-11-20T06:43:40.${'1'.repeat(50)}Z`,
  ),
);

/** A field with values that are mostly valid. */
const mostly = <T>(valid: fc.Arbitrary<T>) => fc.oneof({ weight: 12, arbitrary: valid }, fc.jsonValue({ maxDepth: 1 }));

const alert = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record(
      {
        status: mostly(fc.constantFrom('firing', 'resolved')),
        labels: mostly(texts),
        annotations: mostly(texts),
        startsAt: mostly(time),
        endsAt: mostly(time),
        generatorURL: mostly(text),
        fingerprint: mostly(text),
        dashboardURL: mostly(text),
        panelURL: mostly(text),
        other: fc.jsonValue({ maxDepth: 1 }),
      },
      { requiredKeys: ['status', 'labels', 'startsAt'] },
    ),
  },
  fc.jsonValue({ maxDepth: 1 }),
);

test('an alert has the same content with and without the schema, and a refused one is left to it', () => {
  let usual = 0;
  let refused = 0;
  fc.assert(
    fc.property(alert, (written) => {
      const item: unknown = JSON.parse(JSON.stringify(written));
      const [found, { data }] = [usualAlert(item), GroupAlert.safeParse(item)];
      expect(found).toEqual(data);
      if (found === undefined) refused += 1;
      else usual += 1;
    }),
    { numRuns: runs(400) },
  );
  expect(Math.min(usual, refused)).toBeGreaterThan(runs(30));
});
