import { expect, test } from 'vitest';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import { all, ends, fires, type Moment, play, samplesOf, theIncident, withHealth } from './play.ts';
import { secondFailurePaths } from './stories/second-failures.ts';

test('the title of an incident has no value; the entry of its opening has it, and that of its end names none', async () => {
  const summary = 'checkout error rate is 6.392 %';
  const { world } = await play({ timeline: { '1 s': fires({ summary }), '9 min': ends({ summary }) } });
  const story = await world.deps.incidents.story(theIncident(world), null);
  expect(story?.incident.title).toBe('checkout error rate');
  const texts = story?.timeline.map(({ entry }) => entry.text) ?? [];
  expect(texts).toContain(`Opened: ${summary}`);
  expect(texts).toContainEqual(expect.stringMatching(/^Resolved: checkout error rate\. /));
  expect(story?.signals.map(({ title }) => title)).toEqual([summary]);
});

test.each(['critical', 'warning'])(
  'a problem that is measured before an alert reports it is named so, then by its own %s alert',
  async (severity) => {
    const { given = [], timeline = {} } =
      secondFailurePaths['second-failure-is-measured-while-the-first-alert-still-fires'] ?? {};
    const titles: Record<string, unknown> = {};
    const looks =
      (when: string): Moment =>
      async (world) => {
        const { incident } = (await world.deps.incidents.story(theIncident(world), null)) ?? {};
        titles[when] = [incident?.title, incident?.earlier_problems?.map(({ title }) => title)];
      };
    let updated: string | undefined;
    const again = { name: 'CheckoutIsSlow', summary: 'checkout is slow', began: 20, labels: { severity } };
    const burns = { name: 'SlowBurn', began: 20, labels: { severity: 'warning', slo: 'checkout', long_window: '6h' } };
    const { world } = await play({
      given,
      timeline: {
        '0 s': fires(),
        '270 s': timeline['270 s'] ?? expect.unreachable(),
        '320 s': timeline['320 s'] ?? expect.unreachable(),
        '570 s': looks('measured'),
        '580 s': fires(burns),
        '590 s': fires(again),
        '591 s': looks('reported'),
        '11 min': ({ pageUpdates }) =>
          void (updated = pageUpdates.findLast(({ key }) => key.endsWith('.page.2'))?.summary),
        '12 min': timeline['12 min'] ?? expect.unreachable(),
        '14 min': all(ends(), ends(burns)),
        '15 min': ends(again),
      },
    });
    const before = ['HighErrorRatio of checkout'];
    expect(titles).toEqual({
      measured: ['health of checkout is above its limit', before],
      reported: ['checkout is slow', before],
    });
    const [, second] = world.pageRequests.filter(({ action }) => action === 'trigger');
    expect(updated).toMatch(
      /^INC-1 checkout production: checkout is slow, 40 % of its requests failed at 12:09 UTC\. /,
    );
    expect(second?.summary).toMatch(/^INC-1 checkout production: health of checkout is above its limit\. Page 2: /);
  },
);

test.each([
  ['critical', 2],
  ['warning', 2],
])('a problem that is measured after a %s alert has reported it is named by that alert', async (severity, pages) => {
  const again = { name: 'CheckoutIsSlow', summary: 'checkout is slow', began: 2, labels: { severity } };
  const value = (at: Timestamp): number => {
    const minutes = secondsBetween(NOON, at) / 60;
    return (minutes >= -4 && minutes < 2.6) || (minutes >= 4.75 && minutes < 13) ? 0.4 : 0.001;
  };
  const measures: Moment = (world) => {
    const { metrics } = world.deps;
    metrics.value = async () => ({ kind: 'value', value: value(world.clock.now()) });
    metrics.range = async (_promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
      samplesOf(from, until, value, stepSeconds);
  };
  const { world } = await play({
    given: [withHealth, measures],
    timeline: {
      '0 s': fires(),
      // The recovery from the first problem is not known yet.
      '290 s': fires(again),
      '13 min': ends(again),
      '14 min': ends(),
    },
  });
  const story = await world.deps.incidents.story(theIncident(world), null);
  expect(story?.incident.earlier_problems).toMatchObject([{ title: 'HighErrorRatio of checkout' }]);
  expect(story?.incident.title).toBe('checkout is slow');
  // The alert has paged already.
  expect(world.pageRequests.filter(({ action }) => action === 'trigger')).toHaveLength(pages);
});
