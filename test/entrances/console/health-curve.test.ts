import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { Problem } from '../../../core/domain/incidents/problems.ts';
import { type HealthSeries, NO_SAMPLES } from '../../../core/domain/incidents/health-series.ts';
import type { Story } from '../../../core/domain/messages/story.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { type HealthRead, type JudgedHealth, readHealth } from '../../../core/actions/incidents/health-read.ts';
import { healthPanel } from '../../../entrances/console/pages/incidents/health.ts';
import { type Plot, plot } from '../../../entrances/console/plot.ts';
import { plotText } from '../../../entrances/console/plot-chart.ts';
import type { ServiceName, Version } from '../../../schemas/config/names.ts';
import type { DecisionView, Effect } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { afterDeploy, curve, own, timed, v42 } from '../../core/domain/correlation/scenes.ts';
import { before, INCIDENT, NOON } from '../../core/arbitraries.ts';
import { expectHarmless, hostile, textOf } from '../../support/hostile.ts';
import { signal } from '../../support/signals.ts';

const LATER = plusSeconds(NOON, 3600);

/** Errors of 0.1 %, and of 20 % from noon on. */
const evidence = (more: Partial<Evidence> = {}): Evidence =>
  afterDeploy({
    onset: { alertStartedAt: NOON, alertReceivedAt: NOON, rule: null },
    health: { max: 0.01, curve: curve((minutes) => (minutes > 0 ? 0.001 : 0.2)) },
    ...more,
  });

const decision = (number: number, more: Partial<DecisionView> = {}) =>
  ({
    id: `${INCIDENT}-${number}`,
    from_version: 'v42' as Version,
    to_version: 'v41' as Version,
    ...more,
  }) as DecisionView;

const rollback = (at: Timestamp) => ({ key: `${INCIDENT}.1`, kind: 'roll-back', state: 'succeeded', at }) as Effect;

const story = (more: Partial<Story> = {}) =>
  ({
    incident: { id: INCIDENT, service: 'checkout', environment: 'production' },
    decisions: [decision(1)],
    effects: [rollback(plusSeconds(NOON, 150))],
    ...more,
  }) as Story;

const panel = async (read: Evidence, of = story()): Promise<string> =>
  String(await healthPanel(of, stored({ decision: decision(1), evidence: read, problem: problem(1) }), LATER));

const withPlainTimes = (markup: string): string => markup.replaceAll(/<\/?time\b[^>]*>/g, '');

const problem = (number: number): Problem => ({
  number,
  at: NOON,
  until: null,
  judgedBefore: number - 1,
  judged: number,
  notBefore: null,
  suspects: [],
  verification: 'pending',
});

const stored = (judged: JudgedHealth, more: Partial<HealthRead> = {}): HealthRead => ({
  ...judged,
  earlier: [],
  series: { curve: judged.evidence.health?.curve ?? [], traffic: [] },
  ...more,
});

const pictures = (page: string): string[] => page.match(/<svg class="(?:wide|narrow)".*?<\/svg>/gs) ?? [];
const inLegend = (page: string): string[] =>
  [...(/<ul class="legend">(.*?)<\/ul>/s.exec(page)?.[1] ?? '').matchAll(/<li>(.*?)<\/li>/gs)].map(([, one = '']) =>
    textOf(one).trim(),
  );

describe('the health curve of an incident', () => {
  test('marks deploy, onset, alert, and rollback in the order of their times, and the limit', async () => {
    const page = await panel(evidence());
    expect(inLegend(page)).toEqual([
      'deploy of v42 begins 11:57:00',
      'deploy of v42 ends 11:59:00',
      'onset 12:00:00, between 11:59:00 and 12:00:00 (grey)',
      'alert 12:00:00',
      'rollback to v41 12:02:30',
      'limit 0.01',
    ]);
    expect(pictures(page)).toHaveLength(2);
    for (const picture of pictures(page)) {
      const marks = [...picture.matchAll(/class="mark (\w+)"/g)].map(([, kind]) => kind);
      expect(new Set(marks)).toEqual(new Set(['alert', 'deploy', 'onset', 'rollback']));
      expect(marks).toHaveLength(5);
    }
  });

  test('names the version to which a recorded rollback went', async () => {
    const back = v42({ kind: 'rollback', version: 'v41' as Version });
    const page = await panel(evidence({ changes: [own(back)] }));
    expect(inLegend(page).slice(0, 2)).toEqual(['rollback to v41 begins 11:57:00', 'rollback to v41 ends 11:59:00']);
    expect(page).not.toContain('rollback of');
  });

  test('is described for people who do not see it, and has its data as a table', async () => {
    const page = await panel(evidence());
    const label = /role="img" aria-label="([^"]*)"/.exec(page)?.[1];
    expect(label).toMatch(
      /^Health of checkout production from 11:3\d:\d\d to 12:03:\d\d UTC: \d\d samples between 0\.001 and 0\.2, limit 0\.01\. /,
    );
    expect(label).toMatch(
      /deploy of v42 begins at 11:57:00\. deploy of v42 ends at 11:59:00\. .*onset at .*alert at 12:00:00\. rollback to v41 at 12:02:30$/,
    );
    const rows = [...withPlainTimes(page).matchAll(/<td class="when">(.*?)<\/td>\s*<td>(.*?)<\/td>/gs)].map(
      ([, at, text]) => [at, text],
    );
    expect(rows).toContainEqual(['11:58:30', '0.001']);
    expect(rows).toContainEqual(['12:01:30', '0.2, above the limit']);
    expect(rows).toContainEqual(['12:02:30', 'rollback to v41']);
  });

  test('stays inside its picture whatever the values and times are', async () => {
    const wild = curve((minutes) => (minutes > 0 ? -5 : 1e12));
    const long = own(v42({ started_at: before(110), finished_at: before(100) }));
    const page = await panel(evidence({ health: { max: Infinity, curve: wild }, changes: [long] }));
    for (const picture of pictures(page)) {
      const [, width = '0', height = '0'] = /viewBox="0 0 (\d+) (\d+)"/.exec(picture) ?? [];
      const path = /class="curve" d="([^"]*)"/.exec(picture)?.[1] ?? '';
      const points = [...path.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(
        ([, x, y]) => [Number(x), Number(y)] as const,
      );
      expect(points.length).toBeGreaterThan(10);
      for (const [x, y] of points) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(Number(width));
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(Number(height));
      }
    }
    expect(inLegend(page).join()).not.toContain('limit');
  });

  test('begins at most twenty minutes before its first mark', async () => {
    const page = await panel(evidence({ changes: [own(timed('v42', 3700, 3600))] }));
    expect(/aria-label="([^"]*)"/.exec(page)?.[1]).toMatch(/from 10:38:20 to 12:05/);
  });

  test('a pause between samples is a gap in the line', async () => {
    const given = (seconds: number): Plot => ({
      id: 'p',
      title: 'Health',
      curve: [0, 60, 60 + seconds, 120 + seconds].map((at, n) => [plusSeconds(NOON, at), n]),
      from: NOON,
      until: LATER,
      limit: null,
      marks: [],
    });
    const strokes = async (seconds: number) =>
      /class="curve" d="([^"]*)"/.exec(String(await plot(given(seconds))))?.[1]?.match(/M/g)?.length;
    expect([await strokes(180), await strokes(181)]).toEqual([1, 2]);
  });

  test('shows in plot and table that samples were not taken', async () => {
    const all = curve((minutes) => (minutes > 0 ? 0.001 : 0.2));
    const lacking = all.filter(([at]) => at <= before(12) || at > before(9));
    const markup = await panel(evidence({ health: { max: 0.01, curve: lacking } }));
    expect(/class="curve" d="([^"]*)"/.exec(markup)?.[1]?.match(/M/g)).toHaveLength(2);
    expect(withPlainTimes(markup)).toMatch(/<td class="when">11:48:00<\/td>\s*<td>no samples until 11:51:30</);
  });

  test('names a reported rollback by the version that it goes to', async () => {
    const back = own(
      v42({ kind: 'rollback', version: 'v41' as Version, started_at: before(1), finished_at: before(1) }),
    );
    expect(inLegend(await panel(evidence({ changes: [back] })))).toContain('rollback to v41 11:59:00');
  });

  test('a long curve has a table of at most 60 rows with the highest values', async () => {
    const samples = Array.from({ length: 600 }, (_, n) => [plusSeconds(NOON, n), n === 333 ? 9 : 1] as const);
    const page = String(
      await plot({ id: 'p', title: 'Health', curve: samples, from: NOON, until: LATER, limit: null, marks: [] }),
    );
    expect(page.match(/<td class="when">/g)).toHaveLength(60);
    expect(page).toContain('the highest of each 10 samples');
    expect(withPlainTimes(page)).toMatch(/12:05:33<\/td>\s*<td>9</);
  });

  test.for([112, 60, 5, 1])('labels each time of a curve of %s s differently', async (seconds) => {
    const until = plusSeconds(NOON, seconds);
    const page = String(await plot({ id: 'p', title: 'Health', curve: [], from: NOON, until, limit: null, marks: [] }));
    for (const picture of pictures(page)) {
      const labels = [...picture.matchAll(/class="time"[^>]*>([^<]*)</g)].map(([, label]) => label);
      expect(labels).toContain('12:00:00');
      expect(new Set(labels).size).toBe(labels.length);
    }
  });

  test('says that there are no samples', () => {
    const empty: Plot = { id: 'p', title: 'Health', curve: [], from: NOON, until: LATER, limit: 1, marks: [] };
    expect(plotText(empty)).toBe('Health from 12:00:00 to 13:00:00 UTC: no samples, limit 1');
  });

  test('shows hostile names as text', async () => {
    const of = story();
    const named = { ...of, incident: { ...of.incident, service: hostile<ServiceName>('service') } };
    expectHarmless(await panel(evidence({ changes: [own(v42({ version: hostile<Version>('v42') }))] }), named), 3);
  });
});

test('what Prometheus has lost is drawn from what is kept', async () => {
  const all = curve((minutes) => (minutes > 0 ? 0.001 : 0.2));
  const evidenced = evidence();
  const until = evidenced.at;
  const live = {
    query: { promql: 'job:checkout:error_ratio', max: 0.01, called: 'job:checkout:error_ratio' },
    from: before(30),
    until,
    curve: all.filter(([at]) => at >= before(2)),
    traffic: null,
    versions: [],
  };
  const health = stored(
    { decision: decision(1), evidence: evidenced, problem: problem(1) },
    { series: { curve: all, traffic: [] } },
  );
  const page = String(await healthPanel(story(), health, LATER, { live, isCurrent: true }));
  expect(/class="curve" d="([^"]*)"/.exec(page)?.[1]?.match(/M/g)).toHaveLength(1);
  expect(page).not.toContain('no samples until');
  expect(withPlainTimes(page)).toMatch(/<td class="when">11:3\d:\d\d<\/td>\s*<td>0.1 %</);
});

test('marks the onset and the alert of each problem', async () => {
  const first = { decision: decision(1), evidence: evidence(), problem: problem(1) };
  const at = plusSeconds(NOON, 900);
  const second = evidence({ at: plusSeconds(at, 60), onset: { alertStartedAt: at, alertReceivedAt: at, rule: null } });
  const page = String(
    await healthPanel(
      story(),
      stored({ decision: decision(2), evidence: second, problem: problem(2) }, { earlier: [first] }),
      LATER,
    ),
  );
  expect(inLegend(page).filter((one) => one.startsWith('alert'))).toEqual(['alert 12:00:00', 'alert 12:15:00']);
});

test('marks the further alerts of a problem, once a minute and not all of a storm', async () => {
  const alertsAt = (...seconds: number[]) =>
    story({ signals: seconds.map((after) => signal({ startsAt: plusSeconds(NOON, after) })) });
  const marked = async (...seconds: number[]) =>
    inLegend(await panel(evidence(), alertsAt(...seconds))).filter((one) => one.includes('alert'));
  expect(await marked(0, 70, 95, 130)).toEqual(['alert 12:00:00', 'another alert 12:01:10', 'another alert 12:02:10']);
  expect(await marked(...Array.from({ length: 20 }, (_, n) => n * 60))).toHaveLength(6);
});

test('marks no alert where a problem was only measured', async () => {
  const measured = evidence({ onset: { alertStartedAt: NOON, rule: null } });
  expect(inLegend(await panel(measured)).filter((one) => /^(alert|onset)/.test(one))).toEqual([
    expect.stringMatching(/^onset /),
  ]);
});

test('marks no onset where a person reopened an incident, and nothing was measured', async () => {
  const reopened = evidence({
    onset: { alertStartedAt: NOON, rule: null },
    health: { max: 0.01, curve: curve(() => 0.001) },
  });
  expect(inLegend(await panel(reopened)).filter((one) => /^(alert|onset)/.test(one))).toEqual([]);
});

describe('what the page reads', () => {
  const reading = (inputs: Record<number, Evidence | null | Error>, kept: HealthSeries = NO_SAMPLES) => {
    const read: number[] = [];
    const warned: string[] = [];
    const deps = {
      decisions: {
        inputs: async (_: string, number: number) => {
          read.push(number);
          const found = inputs[number];
          if (found instanceof Error) throw found;
          return found === undefined ? undefined : { evidence: found };
        },
      },
      healthSamples: { read: async () => kept },
      log: { warn: (text: string) => warned.push(text) },
    } as unknown as Pick<Product, 'decisions' | 'healthSamples' | 'log'>;
    return { deps, read, warned };
  };
  const decided = (...numbers: number[]) => story({ decisions: numbers.map((number) => decision(number)) });
  const ofTwoProblems = (): Story['incident'] => ({
    ...story().incident,
    opened_at: before(12),
    earlier_problems: [{ at: before(12), judged: 1, suspects: [], verification: 'passed', recovered_at: before(8) }],
  });

  test('is the newest judgement with samples, once', async () => {
    const { deps, read } = reading({ 1: evidence(), 2: evidence(), 3: afterDeploy() });
    const found = await readHealth(deps, decided(1, 2, 3));
    expect(found?.decision.id).toBe(`${INCIDENT}-2`);
    await readHealth(deps, decided(1, 2, 3));
    expect(read).toEqual([3, 2]);
  });

  test.each<[string, Record<number, Evidence | null | Error>]>([
    ['no query is configured', { 1: afterDeploy() }],
    ['the query had no samples', { 1: evidence({ health: { max: 1, curve: [] } }) }],
    ['the inputs are gone', {}],
  ])('is nothing if %s', async (_, inputs) => {
    const { deps, warned } = reading(inputs);
    expect(await readHealth(deps, decided(1))).toBeNull();
    expect(healthPanel(story(), null, LATER)).toBe('');
    expect(warned).toEqual([]);
  });

  test('is one series of all problems, with what was kept and what the judgement of each has read', async () => {
    const all = curve((minutes) => (minutes > 0 ? 0.001 : 0.2));
    const [before10, between, after5] = [
      all.filter(([at]) => at < before(10)),
      all.filter(([at]) => at >= before(10) && at < before(5)),
      all.filter(([at]) => at >= before(5)),
    ];
    const { deps } = reading(
      {
        1: evidence({ at: before(9), health: { max: 0.01, curve: before10 } }),
        2: evidence({ health: { max: 0.01, curve: after5 } }),
      },
      { curve: between, traffic: [] },
    );
    const read = await readHealth(deps, { ...decided(1, 2), incident: ofTwoProblems() });
    expect(read?.series.curve).toEqual(all);
    expect(read?.earlier.map(({ decision: { id } }) => id)).toEqual([`${INCIDENT}-1`]);
  });

  test('does not fail the page if the inputs cannot be read, and is read again', async () => {
    const inputs: Record<number, Evidence | Error> = { 1: new Error('throttled') };
    const { deps, warned } = reading(inputs);
    expect(await readHealth(deps, decided(1))).toBeNull();
    expect(warned).toEqual(['the inputs of a decision could not be read']);
    inputs[1] = evidence();
    expect((await readHealth(deps, decided(1)))?.evidence).toBe(inputs[1]);
  });
});
