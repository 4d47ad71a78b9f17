import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CanaryAdvance,
  afterCall,
  afterCheck,
  afterClosedGate,
  callOf,
  isFinal,
  isRaise,
  needsJudgement,
  needsPeople,
  pauseSeconds,
  taskOf,
  withCommand,
} from '../../decisions/progress.ts';
import type { TrafficCall, TrafficReading } from '../../decisions/traffic.ts';
import { CanaryRecord, type CanaryCommandKind } from '../../canary.ts';
import type { JudgementView } from '../../../../schemas/judge/judgement.ts';
import { plusSeconds, Timestamp } from '../../../../schemas/time/time.ts';
import { runs } from '../../../../test/support/runs.ts';

const START = Timestamp.parse('2026-11-20T12:00:00.000Z');

const begun = (steps = [5, 25, 50, 100]): CanaryRecord =>
  CanaryRecord.parse({
    id: '01TESTCN000000000000000001',
    service: 'checkout',
    environment: 'production',
    version: 'v2',
    stable_version: 'v1',
    status: 'progressing',
    weight: 0,
    weight_since: START,
    steps,
    step_seconds: 600,
    hold: null,
    verdict: null,
    reason: 'started',
    target: 'router',
    change_id: `chg_${'0'.repeat(26)}`,
    asked_by: 'ci',
    started_at: START,
    ended_at: null,
    check_seconds: 60,
    stalled_seconds: 1800,
    severity: 'critical',
    limits: { errorRatio: 0.01, p95Seconds: 0.8 },
    resource: 'router',
    order: null,
    command: null,
    sequence: 0,
    skip: false,
    full: false,
    degraded: false,
    ending: null,
    alerted_at: null,
    confirmed: 0,
    checks: 0,
    events: 0,
    trace: 'trace',
    run: 1,
    execution: null,
    callback: null,
    rev: 0,
  });

const judged = (verdict: JudgementView['verdict']) => ({
  judgement: {
    service: 'checkout',
    environment: 'production',
    version: 'v2',
    baseline: 'v1',
    verdict,
    reasons: [verdict],
    metrics: [],
    since: null,
    judged_at: START,
  } as unknown as JudgementView,
  samples: [],
});

/** A router that applies orders, which can arrive late, and refuses stale ones. */
class Router {
  split: Extract<TrafficReading, { kind: 'split' }> = { kind: 'split', stable: 'v1', canary: null, weight: 0 };
  /** What each key was applied with. */
  readonly applied = new Map<string, Set<string>>();
  readonly weights: { weight: number; sequence: number; action: string }[] = [];
  #last = 0;

  apply({ key, action, weight, sequence, stable, canary }: TrafficCall): void {
    const known = this.applied.get(key) ?? new Set<string>();
    this.applied.set(key, known.add(`${action} ${weight}`));
    if (sequence <= this.#last) return;
    this.#last = sequence;
    this.weights.push({ weight: action === 'promote' ? 100 : action === 'abort' ? 0 : weight, sequence, action });
    this.split =
      action === 'set'
        ? { kind: 'split', stable, canary, weight }
        : { kind: 'split', stable: action === 'promote' ? canary : stable, canary: null, weight: 0 };
  }
}

/** What happens in one step. `answer`: of the router; `lost`: the order is applied, and the answer is lost. */
type Turn = {
  verdict: JudgementView['verdict'];
  answer: 'done' | 'lost' | 'later' | 'refused' | 'late';
  gate: boolean;
  isPaused: boolean;
  isReadable: boolean;
  command: CanaryCommandKind | null;
  full: boolean;
};

const turn: fc.Arbitrary<Turn> = fc.record({
  verdict: fc.constantFrom('healthy', 'healthy', 'healthy', 'inconclusive', 'degraded'),
  answer: fc.constantFrom('done', 'done', 'done', 'lost', 'later', 'refused', 'late'),
  gate: fc.constantFrom(true, true, true, false),
  isPaused: fc.constantFrom(false, false, false, true),
  isReadable: fc.constantFrom(true, true, true, false),
  command: fc.option(fc.constantFrom<CanaryCommandKind>('promote', 'hold', 'abort'), { freq: 8 }),
  full: fc.boolean(),
});

const CALM: Turn = {
  verdict: 'healthy',
  answer: 'done',
  gate: true,
  isPaused: false,
  isReadable: true,
  command: null,
  full: false,
};

type Course = { record: CanaryRecord; router: Router; sequenceWhenDegraded: number | null };

function step(course: Course, { command, full, ...at }: Turn, now: Timestamp, late: TrafficCall[]): void {
  if (command !== null && course.record.command === null && !(course.record.degraded && command === 'promote'))
    course.record = { ...course.record, command: { kind: command, by: 'ada', reason: null, full, at: now } };
  course.record = withCommand(course.record, now).record;
  const { record, router } = course;
  const next = ((): CanaryAdvance | null => {
    switch (taskOf(record)) {
      case 'over':
      case 'report':
        return null;
      case 'check': {
        const traffic: TrafficReading = at.isReadable ? router.split : { kind: 'unknown', detail: 'no answer' };
        const found = needsJudgement(record) ? judged(at.verdict) : null;
        return afterCheck(record, { traffic, judged: found, isPaused: at.isPaused }, { now, scale: 1 });
      }
      case 'order':
        return call(record, router, at, now, late);
    }
  })();
  if (next !== null) course.record = next.record;
  if (course.record.degraded) course.sequenceWhenDegraded ??= course.record.sequence;
}

function call(
  record: CanaryRecord,
  router: Router,
  { answer, gate }: Pick<Turn, 'answer' | 'gate'>,
  now: Timestamp,
  late: TrafficCall[],
): CanaryAdvance {
  if (isRaise(record) && !gate) return afterClosedGate(record, { open: false, code: 'frozen', reason: 'a sale' }, now);
  if (record.order === null) throw new Error('no order');
  const order = { ...record.order, begun: true };
  const asked = callOf(record, order);
  const claimed = { ...record, order };
  if (answer === 'late') late.push(asked);
  if (answer === 'refused') return afterCall(claimed, { kind: 'refused', detail: 'no' }, now);
  if (answer === 'done' || answer === 'lost') router.apply(asked);
  const response =
    answer === 'done'
      ? ({ kind: 'succeeded', id: null } as const)
      : ({ kind: 'later', detail: 'no answer', afterSeconds: null } as const);
  return afterCall(claimed, response, now);
}

describe('the course of a canary', () => {
  test('after any sequence of verdicts, answers, and requests, it keeps its promises', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 60 }), (turns) => {
        const course: Course = { record: begun(), router: new Router(), sequenceWhenDegraded: null };
        let now = START;
        const late: TrafficCall[] = [];
        for (const one of [...turns, ...Array.from({ length: 60 }, () => CALM)]) {
          now = plusSeconds(now, Math.max(1, pauseSeconds(course.record, now, 1)));
          // A call that was given up arrives before the next step.
          for (const asked of late.splice(0)) course.router.apply(asked);
          step(course, one, now, late);
          // No promotion waits for the end of a hold.
          const { hold, skip, full } = course.record;
          if (hold !== null) expect([skip, full]).toEqual([false, false]);
        }
        const { record, router, sequenceWhenDegraded } = course;
        expect([...router.applied.values()].every((orders) => orders.size === 1)).toBe(true);
        const afterDegraded = router.weights.filter(({ sequence }) => sequence > (sequenceWhenDegraded ?? Infinity));
        expect(afterDegraded.filter(({ action }) => action !== 'abort')).toEqual([]);
        // Without further disturbance, it ends or is held with a reason, and the record agrees with the router.
        if (!isFinal(record)) expect(record.hold).not.toBeNull();
        else if (record.status === 'promoted') expect(router.split).toMatchObject({ stable: 'v2', canary: null });
        else expect([record.status, router.split.weight]).toEqual(['aborted', 0]);
        expect(record.reason).not.toBe('');
      }),
      { numRuns: runs(60) },
    );
  });

  test('a healthy version takes every step in order', () => {
    const course: Course = { record: begun(), router: new Router(), sequenceWhenDegraded: null };
    let now = START;
    for (let n = 0; n < 200 && !isFinal(course.record); n += 1) {
      now = plusSeconds(now, Math.max(1, pauseSeconds(course.record, now, 1)));
      step(course, CALM, now, []);
    }
    expect(course.router.weights.map(({ weight, action }) => `${action} ${weight}`)).toEqual([
      'set 5',
      'set 25',
      'set 50',
      'set 100',
      'promote 100',
    ]);
    expect(course.record.status).toBe('promoted');
    expect(now >= plusSeconds(START, 4 * 600)).toBe(true);
  });

  test('a promotion to 100 % that is requested while an order is at the router follows it at once', () => {
    const order = { action: 'set' as const, weight: 25, by: null, begun: true, attempts: 0 };
    const atRouter = { ...begun(), weight: 5, order: { ...begun().order, ...order } as CanaryRecord['order'] };
    const requested = { kind: 'promote' as const, by: 'ada', reason: null, full: true, at: START };
    const commanded = withCommand({ ...atRouter, command: requested }, START).record;
    expect(commanded.order).toEqual(atRouter.order);
    const done = afterCall(commanded, { kind: 'succeeded', detail: '' } as never, START).record;
    expect([done.order, done.weight]).toEqual([null, 25]);
    const traffic: TrafficReading = { kind: 'split', stable: 'v1', canary: 'v2', weight: 25 };
    const check = { traffic, judged: judged('inconclusive'), isPaused: false };
    const next = afterCheck(done, check, { now: plusSeconds(START, 30), scale: 1 }).record;
    expect(next.order).toMatchObject({ action: 'promote', weight: 100 });
  });

  test('a promotion that is held is discarded, and the version is judged again', () => {
    const requested = { kind: 'promote' as const, by: 'ada', reason: null, full: true, at: START };
    const promoted = withCommand({ ...begun(), weight: 5, command: requested }, START).record;
    const traffic: TrafficReading = { kind: 'split', stable: 'v1', canary: 'v2', weight: 5 };
    const inconclusive = { traffic, judged: judged('inconclusive'), isPaused: false };
    const ordered = afterCheck(promoted, inconclusive, { now: START, scale: 1 });
    const closed = { open: false as const, code: 'frozen' as const, reason: 'a sale' };
    const { record, events } = afterClosedGate(ordered.record, closed, START);
    expect(events.map(({ kind, text }) => [kind, text])).toEqual([
      ['held', 'Held, and the requested promotion is discarded: a sale'],
    ]);
    // The freeze has ended.
    const next = afterCheck(record, inconclusive, { now: plusSeconds(START, 60), scale: 1 }).record;
    expect([next.order, next.weight, next.full]).toEqual([null, 5, false]);
    const later = afterCheck(next, inconclusive, { now: plusSeconds(START, 900), scale: 1 }).record;
    expect([later.order, later.hold?.code]).toEqual([null, 'inconclusive']);
  });

  test('blue/green judges the preview before the version gets any traffic', () => {
    const course: Course = { record: begun([0, 100]), router: new Router(), sequenceWhenDegraded: null };
    const at = plusSeconds(START, 30);
    step(course, { ...CALM, verdict: 'inconclusive' }, at, []);
    step(course, { ...CALM, verdict: 'inconclusive' }, plusSeconds(START, 700), []);
    expect(course.record).toMatchObject({ weight: 0, hold: { code: 'inconclusive' } });
    step(course, CALM, plusSeconds(START, 760), []);
    expect(course.record.order).toMatchObject({ action: 'set', weight: 100 });
  });

  test('people are alerted when it is held for long, at once when a degraded version cannot be aborted', () => {
    const held = { ...begun(), status: 'held' as const };
    const hold = { code: 'inconclusive' as const, reason: 'little traffic', by: null, since: START };
    const after = (seconds: number, more: Partial<CanaryRecord> = {}) =>
      needsPeople({ ...held, hold, ...more }, plusSeconds(START, seconds), 1)?.kind ?? null;
    expect([after(1799), after(1800), after(1, { degraded: true })]).toEqual([null, 'stalled', 'stalled']);
    expect(after(9999, { hold: { ...hold, code: 'person' } })).toBeNull();
    const order = { action: 'abort' as const, weight: 0, sequence: 2, begun: true, attempts: 3, by: null };
    expect(after(1, { status: 'aborting', hold: null, order })).toBe('not_aborted');
  });

  test('the titles of alerts have no figures, which change with each check', () => {
    const hold = { code: 'inconclusive' as const, reason: '12 of 100 requests', by: null, since: START };
    const order = { action: 'abort' as const, weight: 0, sequence: 2, begun: true, attempts: 3, by: null };
    const reason = 'v2 is degraded at 25 %: errors: 3 %';
    const alerts = [
      { status: 'held' as const, weight: 25, hold },
      { status: 'held' as const, weight: 25, hold, degraded: true },
      { status: 'aborting' as const, order, reason },
      { status: 'failed' as const, reason },
    ].map((more) => needsPeople({ ...begun(), ...more }, plusSeconds(START, 9999), 1));
    expect(alerts.map((one) => one?.text)).toEqual([
      'The canary v2 is held',
      'The canary v2 is degraded, and held',
      'The traffic of the canary v2 could not be set back',
      'The traffic of the canary v2 could not be set back',
    ]);
    const held = 'Held at 25 %: 12 of 100 requests';
    expect(alerts.map((one) => one?.detail)).toEqual([held, held, reason, reason]);
  });
});
