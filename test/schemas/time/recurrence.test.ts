import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { spansAt } from '../../../core/domain/time/time-spans.ts';
import { crowdProblem, occurrences, recurrenceProblem } from '../../../schemas/time/recurrence.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { runs } from '../../support/runs.ts';

const list = (name: string, min: number, max: number) =>
  fc
    .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 40 })
    .map((values) => values.filter((value) => value !== 0 || min === 0))
    .map((values) => (values.length === 0 ? '' : `${name}=${values.join(',')}`));
const maybe = (part: fc.Arbitrary<string>) => fc.option(part, { nil: '', freq: 1 });

const anyRule = fc
  .tuple(
    fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY', 'FREQ=MONTHLY', 'FREQ=YEARLY'),
    maybe(fc.constantFrom('INTERVAL=2', 'INTERVAL=1000', 'COUNT=1', 'COUNT=500')),
    maybe(fc.constantFrom('BYDAY=MO', 'BYDAY=MO,TU,WE,TH,FR,SA,SU', 'BYDAY=-1FR', 'BYDAY=53SU')),
    maybe(list('BYMONTH', 1, 12)),
    maybe(list('BYMONTHDAY', -31, 31)),
    maybe(list('BYYEARDAY', -366, 366)),
    maybe(list('BYWEEKNO', -53, 53)),
    maybe(list('BYHOUR', 0, 23)),
    maybe(list('BYMINUTE', 0, 59)),
    maybe(list('BYSETPOS', -366, 366)),
  )
  .map((parts) => parts.filter((part) => part !== '').join(';'));
const anyStart = fc.constantFrom('1970-01-01T00:00:00', '2000-02-29T02:30:00', '2026-01-03T02:00:00');

test('an accepted rule has a start within 500 periods, and few occurrences near one instant', () => {
  fc.assert(
    fc.property(anyRule, anyStart, fc.constantFrom('PT1H', 'P1D', 'P30D'), (rule, from, duration) => {
      const start = Temporal.PlainDateTime.from(from);
      const seconds = Temporal.Duration.from(duration).total('seconds');
      if (recurrenceProblem(rule, start, 'UTC') !== undefined || crowdProblem(rule, seconds) !== undefined) return;
      const [first] = occurrences(rule, start, 'UTC', 500).all((_, index) => index === 0);
      const at = timestamp(first?.epochMilliseconds ?? NaN);
      const near = spansAt({ rrule: rule, start: from, timeZone: 'UTC', duration }, at);
      expect(near.length).toBeGreaterThan(0);
      expect(near.length).toBeLessThanOrEqual(100);
    }),
    { numRuns: runs(60) },
  );
});
