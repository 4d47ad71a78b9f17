import { describe, expect, test } from 'vitest';
import type { Product } from '../../functions/assembly/product.ts';
import type { EnvironmentName } from '../../schemas/config/names.ts';
import { pageDetailsOf } from '../../core/domain/paging/page-details.ts';
import { settleHeld } from '../../core/jobs/sweep/held.ts';
import { route } from '../../core/jobs/queues/route.ts';
import { QuarantineTable } from '../../core/stores/alerts/quarantine.ts';
import { signalQueue } from '../../core/stores/queues/signals.ts';
import { Table } from '../../core/stores/table.ts';
import { api } from '../../entrances/http/app.ts';
import type { NewMessage } from '../../platforms/queues.ts';
import { alert, type AlertOptions, group } from '../support/alerts.ts';
import { batchOf } from '../support/batches.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { blobsInMemory } from '../support/noun-stores.ts';
import { acting, deploys, handlerWith, liveThrough, mode, type Moment, says, theIncident, withHealth } from './play.ts';
import { follows } from './stories/runbooks.ts';
import { VirtualExecutions } from './virtual-executions.ts';

/** An alert is reported as firing after its end, with a start from before that end: from the receiver to the pages. */

const STARTED = '2026-11-20T11:59:00.000Z';
/** As the other Prometheus of a pair reports it. */
const SEVEN_SECONDS_EARLIER = '2026-11-20T11:58:53.000Z';
const TOKEN = 'admin';

/** A world with receivers, and a queue that delivers at once by default. */
class Intake {
  readonly world = new FakeWorld();
  /** The queue refuses messages. */
  isDown = false;
  /** Messages that are not delivered. Null: all are. */
  dead: NewMessage[] | null = null;
  answers: unknown[] = [];
  readonly deps: Product;
  readonly #app: ReturnType<typeof api>;

  constructor() {
    const { world } = this;
    const [table, blobs] = [new Table(world.store), blobsInMemory()];
    const send = async (_: unknown, messages: readonly NewMessage[]) => {
      if (this.isDown) throw new Error('the queue is down');
      if (this.dead === null) await this.deliver(messages);
      else this.dead.push(...messages);
    };
    this.deps = {
      ...world.deps,
      // The watched port returns promises only.
      incidents: Object.assign(Object.create(world.deps.incidents), { firstRead: () => undefined }),
      queue: signalQueue({ send } as never, blobs),
      quarantine: new QuarantineTable(table, blobs, world.clock),
      secrets: { get: async (name: string) => (name === 'FIREBREAK_ADMIN_TOKEN' ? TOKEN : undefined) },
      tokens: Object.assign({}, world.deps.tokens, { find: async () => undefined, list: async () => [] }),
      silences: { active: async () => null, inhibitsSlowBurns: async () => null },
      alertNotices: Object.assign({}, world.deps.alertNotices, { record: async () => [] }),
    };
    this.#app = api(this.deps);
  }

  deliver = async (messages: readonly NewMessage[]): Promise<void> => {
    for (const { group: of, body } of messages) await route(this.deps, batchOf([of, body]));
  };

  /** Sends a request, and records the status of the response. */
  post = async (path: string, body: object, type = 'application/json'): Promise<void> => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': type };
    const response = await this.#app.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
    this.answers.push([response.status, await response.json()]);
  };

  sends = (status: 'firing' | 'resolved', startsAt = STARTED, type?: string): Moment => {
    return () =>
      this.post('/v1/alerts/alertmanager', group([{ ...alert({ status, startsAt }), ...this.#ended(status) }]), type);
  };

  /** Sends an alert of Grafana, with its reason for the state. */
  grafana = (status: 'firing' | 'resolved', reason?: string, more: AlertOptions = {}): Moment => {
    const annotations = reason === undefined ? {} : { grafana_state_reason: reason };
    return () => {
      const one = { ...alert({ status, startsAt: STARTED, annotations, ...more }), ...this.#ended(status) };
      return this.post('/v1/alerts/grafana', group([one], { version: '1' }));
    };
  };

  #ended = (status: string) => (status === 'resolved' ? { endsAt: this.world.clock.now() } : {});

  sweeps: Moment = () => settleHeld(this.deps, 'sweep');

  play(timeline: Record<string, Moment>): ReturnType<typeof liveThrough> {
    const virtual = new VirtualExecutions(this.world.clock, handlerWith(this.deps));
    this.world.engine = virtual;
    return liveThrough(this.world, virtual, timeline);
  }

  get pages(): string[] {
    return this.world.calls.filter((call) => call.startsWith('pager trigger'));
  }

  get statuses(): string[] {
    return [...this.world.store.dossiers.values()].map(({ record }) => record.status);
  }
}

/** Nothing is rolled back, so that the incident closes with its alert. */
async function intake(...given: Moment[]): Promise<Intake> {
  const started = new Intake();
  started.world.config = acting({ autoRollback: { mode: 'shadow' } });
  for (const moment of given) await moment(started.world);
  return started;
}

const begins = (it: Intake): Record<string, Moment> => ({ '0 s': it.sends('firing'), '5 s': it.sends('resolved') });

/** A person ends what reopened, so that the story ends. */
const resolves = says({ kind: 'resolve', by: 'person:ada', note: '' });

test.each([STARTED, SEVEN_SECONDS_EARLIER])(
  'a return after 60 s reopens the incident at once, with one page for both of a pair (%s)',
  async (startsAt) => {
    const it = await intake();
    let before: string[] = [];
    await it.play({
      ...begins(it),
      '60 s': () => void (before = it.statuses),
      '66 s': it.sends('firing', startsAt),
      '70 s': it.sends('firing', STARTED),
      '75 s': it.sends('firing', SEVEN_SECONDS_EARLIER),
      '5 min': () => expect(it.statuses).toEqual(['open']),
      '6 min': resolves,
    });
    expect(before).toEqual(['resolved']);
    expect(it.pages).toHaveLength(2);
    const { timeline } = it.world.store.dossier(theIncident(it.world));
    expect(timeline.map(({ text }) => text)).toContainEqual(expect.stringContaining('therefore only assumed'));
  },
);

test('the delayed copy of the other sender of a pair reopens nothing, and its end settles it', async () => {
  const it = await intake();
  await it.play({
    ...begins(it),
    '15 s': it.sends('firing', SEVEN_SECONDS_EARLIER),
    '25 s': it.sends('resolved', SEVEN_SECONDS_EARLIER),
    '70 s': it.sweeps,
  });
  expect([it.statuses, it.pages.length]).toEqual([['resolved'], 1]);
});

test.each([
  ['without a health query, it fires', null, undefined, 'open', 2],
  ['if health is bad, it fires', withHealth, { kind: 'value', value: 0.2 }, 'open', 2],
  ['if health is good, it was late', withHealth, { kind: 'value', value: 0.001 }, 'resolved', 1],
] as const)('a copy that no end follows is decided after 60 s: %s', async (_, given, health, status, pages) => {
  const it = await intake(...(given === null ? [] : [given]));
  const seen: unknown[] = [];
  await it.play({
    ...begins(it),
    '14 s': (world) => void (world.health = health ?? null),
    '15 s': it.sends('firing'),
    '60 s': it.sweeps,
    '64 s': () => void seen.push(...it.statuses),
    '65 s': it.sweeps,
    '2 min': it.sweeps,
    '3 min': () => void seen.push(...it.statuses),
    '4 min': status === 'open' ? resolves : () => undefined,
  });
  expect([seen, it.pages.length]).toEqual([['resolved', status], pages]);
  const kinds = it.world.store.dossier(theIncident(it.world)).timeline.map(({ kind }) => kind);
  expect(kinds.includes('alerts.late')).toBe(status === 'resolved');
});

test('a copy that is held is decided at once when the clock is set back', async () => {
  const it = await intake();
  const seen: unknown[] = [];
  await it.play({
    ...begins(it),
    '15 s': it.sends('firing'),
    '20 s': async (world) => {
      world.clock.setBack(7200);
      await it.sweeps(world);
      seen.push(...it.statuses);
    },
    '30 s': resolves,
  });
  expect([seen, it.pages.length]).toEqual([['open'], 2]);
});

test('after a refusal, a retry of the sender is held, and decided after 300 s', async () => {
  const it = await intake();
  it.world.health = { kind: 'value', value: 0.001 };
  const seen: unknown[] = [];
  const looks = () => void seen.push(...it.statuses);
  await it.play({
    ...begins(it),
    '100 s': async (world) => {
      it.isDown = true;
      await it.sends('firing')(world);
      it.isDown = false;
    },
    '110 s': it.sends('firing'),
    '399 s': it.sweeps,
    '399.5 s': looks,
    '400 s': it.sweeps,
    '401 s': looks,
    '402 s': resolves,
  });
  expect(it.answers).toMatchObject([[202], [202], [503], [202]].map(([code]) => [code, {}]));
  expect([seen, it.pages.length]).toEqual([['resolved', 'open'], 2]);
});

test('a redrive and a replay keep the time of their first receipt, and reopen nothing', async () => {
  const it = await intake();
  await it.play({
    '0 s': it.sends('firing', STARTED, 'text/plain'),
    '1 s': async (world) => {
      it.dead = [];
      await it.sends('firing', SEVEN_SECONDS_EARLIER)(world);
    },
    '2 s': async (world) => {
      const dead = it.dead ?? [];
      it.dead = null;
      await it.sends('firing')(world);
      it.dead = dead;
    },
    '5 s': async (world) => {
      const dead = it.dead ?? [];
      it.dead = null;
      await it.sends('resolved')(world);
      it.dead = dead;
    },
    '1 h': async () => {
      const dead = it.dead ?? [];
      it.dead = null;
      await it.deliver(dead);
      const [quarantined] = (await it.deps.quarantine.list({ limit: 5 })).items;
      await it.post(`/v1/quarantine/${quarantined?.id}/replay`, {});
    },
    '2 h': it.sweeps,
  });
  expect(it.answers).toMatchObject([[415], [202], [202], [202], [202]].map(([code]) => [code, {}]));
  expect([it.statuses, it.pages.length]).toEqual([['resolved'], 1]);
});

test('a return alone rolls nothing back without a person', async () => {
  const it = await intake(deploys('v1', 240), deploys('v2', 8));
  await it.play({
    ...begins(it),
    '10 s': mode('act'),
    '70 s': it.sends('firing'),
    '5 min': resolves,
  });
  const decisions = (await it.deps.incidents.view(theIncident(it.world)))?.decisions;
  expect(decisions?.at(-1)).toMatchObject({ kind: 'approve', because: 'alert_returned', from_version: 'v2' });
  expect(it.world.calls.filter((call) => /rollback/.test(call) && !call.startsWith('pager'))).toEqual([]);
});

describe('an alert that is first received long after its start', () => {
  test.each([
    ['25 days: a person decides', '2026-10-26T12:00:00.000Z', 25 * 1440, {}, 'onset_old', 'approve'],
    ['6 hours: Firebreak acts', '2026-11-20T06:00:00.000Z', 360, {}, 'suspect', 'roll_back'],
    [
      '6 hours, where 5 are the limit',
      '2026-11-20T06:00:00.000Z',
      360,
      { maxOnsetAgeMinutes: 300 },
      'onset_old',
      'approve',
    ],
    [
      '7 hours, where 8 are the limit',
      '2026-11-20T05:00:00.000Z',
      420,
      { maxOnsetAgeMinutes: 480 },
      'suspect',
      'roll_back',
    ],
  ] as const)('%s', async (_, startsAt, minutes, limit, because, kind) => {
    const it = await intake(deploys('v1', minutes + 240), deploys('v2', minutes + 8));
    it.world.config = acting({ autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act', ...limit } });
    await it.play({ '0 s': it.sends('firing', startsAt), '5 min': resolves });
    const decisions = (await it.deps.incidents.view(theIncident(it.world)))?.decisions;
    expect(decisions?.[0]).toMatchObject({ kind, because, from_version: 'v2' });
    const acts = it.world.calls.filter((call) => call.startsWith('cd '));
    expect(acts).toEqual(kind === 'roll_back' ? ['cd roll-back.1 v2 to v1'] : []);
    expect(it.pages.length).toBeGreaterThan(0);
  });
});

test('an alert without an environment pages, and rolls none of several back', async () => {
  const it = await intake(deploys('v1', 240), deploys('v2', 8));
  it.world.config = acting();
  const { environments } = Object.values(it.world.config.services)[0] ?? {};
  Object.assign(environments ?? {}, { staging: environments?.['production' as EnvironmentName] });
  await it.play({
    '0 s': () => {
      const one = alert({ startsAt: STARTED, labels: { environment: '' } });
      return it.post('/v1/alerts/alertmanager', group([one]));
    },
    '5 min': resolves,
  });
  const [dossier] = it.world.store.dossiers.values();
  expect(dossier?.record).toMatchObject({ service: 'unmatched', environment: 'unknown', unmatched: 'checkout' });
  expect(it.world.calls.filter((call) => !call.startsWith('pager resolve'))).toEqual(['pager trigger page.1 critical']);
});

describe('an end that Grafana has not measured', () => {
  const told = (it: Intake) => it.world.store.dossier(theIncident(it.world)).timeline.map(({ text }) => text);
  const paused = (it: Intake): Record<string, Moment> => ({
    '0 s': it.grafana('firing'),
    '5 s': it.grafana('resolved', 'Paused'),
    '6 s': it.grafana('resolved', 'Paused'),
  });
  const isOpen =
    (it: Intake): Moment =>
    () =>
      expect(it.statuses).toEqual(['open']);

  test('is no recovery, until the health query is within its limit', async () => {
    const it = await intake(withHealth);
    it.world.health = { kind: 'value', value: 0.2 };
    await it.play({
      ...paused(it),
      '60 s': it.sweeps,
      '61 s': async (world) => {
        expect(it.statuses).toEqual(['open']);
        const story = await it.deps.incidents.overview(theIncident(world));
        expect(story && pageDetailsOf(story, null)['problem']).toEqual([
          expect.stringMatching(/Not measured: its rule was paused \(Paused\)$/),
        ]);
      },
      '62 s': (world) => void (world.health = { kind: 'value', value: 0.001 }),
      '120 s': it.sweeps,
      '180 s': it.sweeps,
    });
    expect(it.statuses).toEqual(['resolved']);
    const not = told(it).filter((text) => text.startsWith('Not a recovery'));
    expect(not).toEqual([expect.stringContaining('because its rule was paused (Paused)')]);
    expect(told(it)).toContainEqual(expect.stringMatching(/^The end of .* was not measured: .*\. Healthy: /));
  });

  test('ends nothing without a health query; a person does', async () => {
    const it = await intake();
    await it.play({ ...paused(it), '60 s': it.sweeps, '30 min': isOpen(it), '31 min': resolves, '32 min': it.sweeps });
    expect(it.statuses).toEqual(['resolved']);
    expect(await it.deps.incidents.held(it.world.clock.now())).toEqual([]);
  });

  test('is an end when Grafana has measured it, which the sender then repeats without a reason', async () => {
    const it = await intake();
    await it.play({
      '0 s': it.grafana('firing'),
      '5 s': it.grafana('resolved', 'NoData'),
      '60 s': it.sweeps,
      '61 s': isOpen(it),
      '5 min': it.grafana('resolved'),
    });
    expect(it.statuses).toEqual(['resolved']);
    expect(await it.deps.incidents.held(it.world.clock.now())).toEqual([]);
  });

  test('is settled by a later notification', async () => {
    const it = await intake(withHealth);
    it.world.health = { kind: 'value', value: 0.001 };
    await it.play({
      ...paused(it),
      '10 s': it.grafana('firing'),
      '60 s': it.sweeps,
      '61 s': isOpen(it),
      '70 s': it.grafana('resolved'),
    });
    expect([it.statuses, it.pages.length]).toEqual([['resolved'], 1]);
  });
});

describe('an alert that was not measured when its runbook requested a rollback', () => {
  const named = { labels: { runbook: 'one' } };
  const silent = { labels: { runbook: 'one', action: '' } };
  const another = { fingerprint: 'another', startsAt: SEVEN_SECONDS_EARLIER };
  const seven = { startsAt: '2026-11-20T12:00:07.000Z' };

  /** Plays `NoData`, and then these alerts, measured, a few seconds apart. Returns the decisions and the acts. */
  async function measured(first: AlertOptions, ...then: AlertOptions[]) {
    const it = await intake(deploys('v1', 240), deploys('v2', 7));
    follows({ one: 'steps: [{ id: back, uses: rollback, timeout: 30m }]' })(it.world);
    const later = then.map((one, n) => [`${12 + 5 * n} s`, it.grafana('firing', undefined, one)] as const);
    await it.play({
      '0 s': it.grafana('firing', 'NoData', first),
      ...Object.fromEntries(later),
      '2 min': it.grafana('resolved', undefined, { ...first, ...then.at(-1) }),
      '30 min': resolves,
    });
    const decisions = (await it.deps.incidents.view(theIncident(it.world)))?.decisions ?? [];
    const acts = it.world.calls.filter((call) => call.startsWith('cd '));
    return { kinds: decisions.map(({ kind, because }) => `${kind}: ${because}`), acts, decisions };
  }

  test.each([
    ['with a request', named, [named]],
    ['with a request, and a new start', named, [{ ...named, ...seven }]],
    ['without a request', silent, [silent]],
    ['without a request, and with a new start', silent, [{ ...silent, ...seven }]],
    ['twice', silent, [silent, silent]],
    ['by another alert', silent, [{ ...another, labels: { action: '' } }]],
    ['by another alert with a request', silent, [another]],
    ['with a higher severity', { labels: { ...silent.labels, severity: 'warning' } }, [silent]],
  ])('is judged again once when something is measured: %s', async (_, first, then) => {
    const { kinds, acts } = await measured(first, ...then);
    expect(kinds).toEqual(['suggest: not_requested', 'suggest: monitoring_failure', 'roll_back: suspect']);
    expect(acts).toEqual(['cd roll-back.3 v2 to v1']);
  });

  test('says in the meantime that no request was measured', async () => {
    const { decisions } = await measured(named, named);
    const texts = decisions[0]?.reasons.map(({ text }) => text);
    expect(texts).toContain('no measured alert requests a rollback (label action: auto-rollback)');
  });
});
