import type { Random } from '../random.ts';
import { evaluate } from './evaluate.ts';
import type { Labels, Source } from './telemetry/series.ts';

/** One alert that fires. `activeAt`: its expression has been true since then. `resolvedAt`: Infinity while it fires. */
export type Firing = { labels: Labels; activeAt: number; firedAt: number; resolvedAt: number };

/** Evaluates a rule at its own times, as Prometheus does. Returns firings by their start. */
export function firingsOf(
  rule: { expression: string; forSeconds: number; intervalSeconds: number },
  source: Source,
  { from, until }: { from: number; until: number },
): Firing[] {
  const step = rule.intervalSeconds;
  const grid = { start: from, step, count: Math.max(1, Math.floor((until - from) / step)), now: null };
  const firings = evaluate(rule.expression, grid, source).flatMap(({ labels, present }) => {
    const found: Firing[] = [];
    let activeAt: number | null = null;
    let firing: Firing | null = null;
    for (let index = 0; index < grid.count; index += 1) {
      const at = from + index * step;
      if (present[index] === 0) {
        if (firing !== null) found.push({ ...firing, resolvedAt: at });
        [activeAt, firing] = [null, null];
        continue;
      }
      activeAt ??= at;
      if (firing === null && at - activeAt >= rule.forSeconds)
        firing = { labels, activeAt, firedAt: at, resolvedAt: Infinity };
    }
    return firing === null ? found : [...found, firing];
  });
  return firings.toSorted((a, b) => a.firedAt - b.firedAt);
}

/** Grouping of Alertmanager, in seconds. */
export type Alertmanager = {
  groupBy: 'service' | 'alertname' | 'everything';
  groupWait: number;
  groupInterval: number;
  /** Seconds of a notification on its way. */
  latency: number;
};

/** Draws a configuration. The defaults of Alertmanager are 30 seconds and 5 minutes. */
export const drawAlertmanager = (rng: Random): Alertmanager => ({
  groupBy: rng.weighted({ service: 5, alertname: 4, everything: 2 }),
  groupWait: Number(rng.weighted({ '0': 1, '5': 2, '10': 3, '30': 5 })),
  groupInterval: Number(rng.weighted({ '30': 1, '60': 3, '300': 5 })),
  latency: rng.scale(0.05, 3),
});

export type Alert = Firing & { service: string; alertname: string };

/** Returns when each alert is delivered: after the group's wait, or with the group's next notification. */
export function delivered(alerts: readonly Alert[], manager: Alertmanager): (Alert & { at: number })[] {
  const flushes = new Map<string, number>();
  return alerts
    .toSorted((a, b) => a.firedAt - b.firedAt)
    .map((alert) => {
      const { groupBy, groupWait, groupInterval, latency } = manager;
      const key = groupBy === 'everything' ? '' : alert[groupBy];
      const last = flushes.get(key);
      const sent = alert.firedAt + latency / 2;
      let flush = last ?? sent + groupWait;
      if (flush < sent) flush += Math.ceil((sent - flush) / groupInterval) * groupInterval;
      flushes.set(key, flush);
      return { ...alert, at: flush + latency / 2 };
    })
    .toSorted((a, b) => a.at - b.at);
}
