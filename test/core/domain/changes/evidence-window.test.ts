import { expect, test } from 'vitest';
import { looksBackBefore } from '../../../../core/domain/changes/evidence-window.ts';
import { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds, Timestamp } from '../../../../schemas/time/time.ts';

const MITIGATED = Timestamp.parse('2026-11-20T12:00:00Z');

const alert = (secondsAfter: number, more: { labels?: [string, string][]; expr?: string } = {}): Signal =>
  Signal.parse({
    source: 'alertmanager',
    episode: 'one',
    fingerprint: 'f',
    episodic: true,
    status: 'firing',
    startsAt: plusSeconds(MITIGATED, secondsAfter),
    endsAt: null,
    service: 'checkout',
    environment: 'production',
    unmatched: null,
    severity: 'critical',
    requestsRollback: false,
    monitoringFailure: false,
    title: 'High',
    links: {
      runbook: null,
      dashboard: null,
      source: more.expr === undefined ? null : `http://prom/graph?g0.expr=${encodeURIComponent(more.expr)}&g0.tab=1`,
    },
    labels: more.labels ?? [],
    annotations: [],
    blob: null,
  });

const SHORT: [string, string][] = [
  ['long_window', '1h'],
  ['short_window', '5m'],
];

test.each<[string, Signal, boolean]>([
  ['began before', alert(-1), true],
  ['began after, and tells no window', alert(1), false],
  ['its short window reaches back', alert(299, { labels: SHORT }), true],
  ['its short window is free of it', alert(300, { labels: SHORT }), false],
  ['its only window reaches back', alert(3599, { labels: [['long_window', '1h']] }), true],
  ['the range of its rule reaches back', alert(100, { expr: 'sum(rate(errors_total[2m])) > 1' }), true],
  ['the range of its rule does not', alert(121, { expr: 'sum(rate(errors_total[2m])) > 1' }), false],
  ['of several ranges the shortest', alert(121, { expr: 'rate(a[1h]) > 1 and rate(a[2m]) > 1' }), false],
  ['its rule is not PromQL', alert(1, { expr: 'sum(' }), false],
  ['a window that is none', alert(1, { labels: [['short_window', 'soon']] }), false],
])('%s: may describe the time before the mitigation', (_, signal, looksBack) => {
  expect(looksBackBefore(signal, MITIGATED)).toBe(looksBack);
});
