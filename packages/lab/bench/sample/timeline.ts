import type { Alert, Alertmanager } from '../../evaluation/monitored/alerting.ts';
import { type Delivery, type Recorded, reportedSteps } from '../../evaluation/monitored/records.ts';
import { webhookOf } from '../harness/product.ts';
import type { PlacedCase } from './placed-case.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

/** One request to the product. Times in seconds of the world. */
export type Step = { at: number } & (
  | { kind: 'record'; change: Recorded; body: object }
  | { kind: 'update'; change: Recorded; body: object }
  | { kind: 'notify'; alerts: readonly { alert: Alert; isOver: boolean }[]; body: object }
);

/** Returns what the CD system and Alertmanager send, in order, up to the first notification of the judged alert. */
export function timelineOf({ monitored, prefix }: PlacedCase): Step[] {
  const { world, stage, alert, others } = monitored;
  const time = (at: number): string => timestamp(Math.round((world.epoch + at) * 1000));
  const changes = stage.recorded.flatMap((change) => reportsOf(change, stage.delivery, { prefix, time }));
  const notifications = notificationsOf([alert, ...others], stage.alertmanager).map(({ at, alerts }): Step => ({
    at,
    kind: 'notify',
    alerts,
    body: webhook(alerts, alert.service, { prefix, time }),
  }));
  const steps = [...changes, ...notifications].toSorted((a, b) => a.at - b.at);
  const last = steps.findIndex((step) => step.kind === 'notify' && step.alerts.some((one) => isSame(one.alert, alert)));
  return steps.slice(0, last + 1);
}

const isSame = (a: Alert, b: Alert): boolean => a.service === b.service && a.firedAt === b.firedAt;

/** How reports are written: `mark`, the prefix that separates cases; `time`, which formats seconds of the world. */
type Written = { prefix: string; time: (at: number) => string };

/** Returns the reports of a CD system about one change. */
function reportsOf(change: Recorded, { reports, skew, delay }: Delivery, { prefix, time }: Written): Step[] {
  const { start, finish } = change;
  const [first, ...later] = reportedSteps(change, reports);
  const fields = {
    service: prefix + change.service,
    environment: prefix + change.environment,
    version: change.version,
    kind: change.kind,
    previous_version: change.previous,
    has_migration: change.hasMigration,
    canary_weight: first?.share ?? null,
  };
  if (finish === null || reports === 'start') {
    const times = { started_at: time(start + skew), ...(finish === null && { finished_at: time(start + skew) }) };
    return [{ at: start + delay, kind: 'record', change, body: { ...fields, ...times } }];
  }
  if (reports === 'end') {
    if (!Number.isFinite(finish)) return [];
    const times = { started_at: time(Math.min(start, finish) + skew), finished_at: time(finish + skew) };
    return [{ at: finish + delay, kind: 'record', change, body: { ...fields, ...times } }];
  }
  const started = { ...fields, status: 'started', started_at: time(start + skew) };
  const record: Step = { at: start + delay, kind: 'record', change, body: started };
  const steps = later.map(({ at, share }): Step => ({
    at: at + delay,
    kind: 'update',
    change,
    body: { canary_weight: share },
  }));
  if (!Number.isFinite(finish)) return [record, ...steps];
  const body = { status: 'succeeded', finished_at: time(finish + skew) };
  return [record, ...steps, { at: finish + delay, kind: 'update', change, body }];
}

type Notification = { at: number; alerts: { alert: Alert; isOver: boolean }[] };

/** Returns the notifications of all groups: each contains all alerts of the group that fire or have just ended. */
function notificationsOf(alerts: readonly Alert[], manager: Alertmanager): Notification[] {
  const { groupBy, groupWait, groupInterval, latency } = manager;
  const groups = Map.groupBy(alerts, (alert) => (groupBy === 'everything' ? '' : alert[groupBy]));
  return [...groups.values()].flatMap((group) => {
    const sent = (time: number): number => time + latency / 2;
    const first = Math.min(...group.map(({ firedAt }) => sent(firedAt))) + groupWait;
    const ends = group.flatMap(({ firedAt, resolvedAt }) => [firedAt, resolvedAt]).filter(Number.isFinite);
    const found: Notification[] = [];
    const notified = new Map<Alert, 'firing' | 'over'>();
    for (let flush = first; flush < sent(Math.max(...ends)) + groupInterval; flush += groupInterval) {
      const known = group.filter((alert) => sent(alert.firedAt) <= flush && notified.get(alert) !== 'over');
      const now = known.map((alert) => ({ alert, isOver: sent(alert.resolvedAt) <= flush }));
      const isNew = now.some(({ alert, isOver }) => !notified.has(alert) || isOver);
      // An alert that has ended before the first notification of its group is never sent.
      const shown = now.filter(({ alert, isOver }) => !isOver || notified.has(alert));
      if (isNew && shown.length > 0) found.push({ at: flush + latency / 2, alerts: shown });
      for (const { alert, isOver } of now) notified.set(alert, isOver ? 'over' : 'firing');
    }
    return found;
  });
}

/** Returns the webhook of Alertmanager (version 4). Only the judged service's alert requests a rollback. */
function webhook(
  alerts: readonly { alert: Alert; isOver: boolean }[],
  judged: string,
  { prefix, time }: Written,
): object {
  return webhookOf(
    alerts.every(({ isOver }) => isOver) ? 'resolved' : 'firing',
    alerts.map(({ alert, isOver }) => ({
      status: isOver ? 'resolved' : 'firing',
      labels: {
        ...alert.labels,
        alertname: prefix + alert.alertname,
        service: prefix + alert.service,
        environment: `${prefix}production`,
        severity: 'critical',
        ...(alert.service === judged && { action: 'auto-rollback' }),
      },
      annotations: {},
      startsAt: time(alert.firedAt),
      endsAt: isOver ? time(alert.resolvedAt) : '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus.test/graph',
      fingerprint: Buffer.from(`${alert.service}/${JSON.stringify(alert.labels)}`)
        .toString('hex')
        .slice(0, 64),
    })),
  );
}
