/** Series in promtool's notation, with a sample every 15 seconds. */
type Series = Record<string, string>;

/**
 * `fires` and `quiet`: times at which an alert must fire, and must not. Times are promtool durations from the
 * beginning.
 */
export type RuleCase = { name: string; series: Series; fires?: { alert: string; at: string }[]; quiet?: Quiet[] };
type Quiet = { alert: string; at: string };

const UP = 'up{job="firebreak",instance="firebreak:8080"}';
const up = { [UP]: '1x2000', 'firebreak_queue_messages{job="firebreak",queue="urgent",state="waiting"}': '0x2000' };
const queue = (name: string) => `firebreak_queue_messages{job="firebreak",queue="${name}",state="waiting"}`;
const fires = (alert: string, at: string) => [{ alert, at }];

/** The metrics of a healthy Firebreak, both idle and busy. No rule may fire on them. */
export const HEALTHY: Series = {
  ...up,
  'process_start_time_seconds{job="firebreak",instance="firebreak:8080"}': '100x400 6100x1600',
  [queue('urgent')]: '0 3 0 0 5x3 0 1 0 2x4 0x2000',
  [queue('people')]: '0x2000',
  [queue('ordinary')]: '5x40 0x2000',
  [queue('unmatched')]: '900x40 0x2000',
  'firebreak_alerts_routing_delay_seconds_bucket{le="15"}': '0+3x2000',
  firebreak_alerts_routing_delay_seconds_count: '0+3.1x2000',
  'firebreak_pages_total{route="pager",outcome="succeeded"}': '0+1x2000',
  // Old failures: they existed before Prometheus started.
  'firebreak_pages_total{route="pager",outcome="failed"}': '2x2000',
  'firebreak_pages_total{route="pager",outcome="withheld"}': '0+1x2000',
  'firebreak_alerts_quarantined_total{source="grafana"}': '7x2000',
  'firebreak_vendor_calls_total{vendor="slack",outcome="ok"}': '0+10x2000',
  'firebreak_vendor_calls_total{vendor="slack",outcome="error"}': '0+1x2000',
  'firebreak_vendor_calls_total{vendor="slack",outcome="refused"}': '0+1x2000',
  firebreak_intake_ok: '1x2000',
  firebreak_config_last_reload_successful: '1x2000',
  firebreak_automation_paused: '0x100 1x100 0x1000',
  firebreak_slo_evaluation_timestamp_seconds: '0+15x2000',
  firebreak_backup_last_success_timestamp_seconds: '0x2000',
  // A new receiver of a log that is old: it refused one request, and accepted the next.
  firebreak_audit_stream_unsent_oldest_timestamp_seconds: '_x140 0x4 stale _x2000',
};

const SHOP = 'ALERTS{alertname="HighErrorRatio",service="shop",severity="critical",alertstate="firing"}';

export const RULE_CASES: RuleCase[] = [
  {
    name: 'a critical alert pages while Firebreak is down, until it is back',
    series: {
      [UP]: '1x40 0x40 1x40',
      [SHOP]: '1x200',
      'ALERTS{alertname="SlowAnswers",service="shop",severity="warning",alertstate="firing"}': '1x200',
      'ALERTS{alertname="DiskFull",service="shop",severity="critical",alertstate="pending"}': '1x200',
    },
    quiet: [...fires('FirebreakBypass', '9m'), ...fires('FirebreakBypass', '11m'), ...fires('FirebreakBypass', '22m')],
    fires: fires('FirebreakBypass', '15m'),
  },
  {
    name: 'a critical alert pages while Firebreak is not scraped',
    series: { [SHOP]: '1x200' },
    fires: fires('FirebreakBypass', '4m'),
  },
  {
    name: 'a critical alert pages while Firebreak is up, but refuses alerts',
    series: { ...up, firebreak_intake_ok: '1x40 0x40 1x40', [SHOP]: '1x200' },
    quiet: [
      ...['9m', '11m', '22m'].flatMap((at) => fires('FirebreakBypass', at)),
      ...fires('FirebreakDown', '15m'),
      ...fires('FirebreakIntakeFailing', '11m'),
    ],
    fires: [...fires('FirebreakBypass', '15m'), ...fires('FirebreakIntakeFailing', '15m')],
  },
  {
    name: 'a restart of one minute does not fire, two minutes do',
    series: { [UP]: '1x20 0x4 1x20 0x60' },
    quiet: fires('FirebreakDown', '7m'),
    fires: fires('FirebreakDown', '15m'),
  },
  {
    name: 'no scrape target',
    series: {},
    quiet: fires('FirebreakAbsent', '4m'),
    fires: fires('FirebreakAbsent', '6m'),
  },
  {
    name: 'three restarts in half an hour',
    series: { ...up, 'process_start_time_seconds{job="firebreak"}': '0x20 300x20 600x20 900x200' },
    quiet: fires('FirebreakRestarting', '12m'),
    fires: fires('FirebreakRestarting', '17m'),
  },
  {
    name: 'an urgent queue that is not processed',
    series: { ...up, [queue('urgent')]: '0x20 2x100' },
    quiet: fires('FirebreakQueueStuck', '8m'),
    fires: fires('FirebreakQueueStuck', '12m'),
  },
  {
    name: 'the queue of people is not processed',
    series: { ...up, [queue('people')]: '1x100' },
    fires: fires('FirebreakQueueStuck', '10m'),
  },
  {
    name: 'a flood that lasts longer than 15 minutes',
    series: { ...up, [queue('unmatched')]: '0x4 10000-50x150' },
    quiet: fires('FirebreakQueueBacklog', '10m'),
    fires: fires('FirebreakQueueBacklog', '20m'),
  },
  {
    name: 'a signal has failed sixteen times',
    series: { ...up, 'firebreak_queue_messages{queue="urgent",state="dead"}': '0x50 1x100' },
    quiet: fires('FirebreakMessagesDead', '10m'),
    fires: fires('FirebreakMessagesDead', '20m'),
  },
  {
    name: 'queues do not respond, but Firebreak does',
    series: { [UP]: '1x200' },
    quiet: fires('FirebreakQueuesUnknown', '10m'),
    fires: fires('FirebreakQueuesUnknown', '20m'),
  },
  {
    name: '10% of the alerts are late',
    series: {
      ...up,
      'firebreak_alerts_routing_delay_seconds_bucket{le="15"}': '0+9x200',
      firebreak_alerts_routing_delay_seconds_count: '0+10x200',
    },
    fires: fires('FirebreakRoutingSlow', '20m'),
  },
  {
    name: 'an incident whose workflow does not run',
    series: { ...up, firebreak_incidents_pending_oldest_timestamp_seconds: '_x20 300x200' },
    quiet: fires('FirebreakIncidentWaiting', '9m'),
    fires: fires('FirebreakIncidentWaiting', '11m'),
  },
  {
    name: 'a page that was neither delivered nor refused',
    series: { ...up, 'firebreak_effects_unfinished_oldest_timestamp_seconds{kind="page"}': '60x200' },
    quiet: [
      { alert: 'FirebreakPageUnsent', at: '5m' },
      { alert: 'FirebreakEffectUnfinished', at: '30m' },
    ],
    fires: fires('FirebreakPageUnsent', '7m'),
  },
  {
    name: 'the first failed page of a new counter, and a later one',
    series: { ...up, 'firebreak_pages_total{route="pager",outcome="failed"}': '_x80 1x120 2x80' },
    quiet: [
      { alert: 'FirebreakPageFailed', at: '18m' },
      { alert: 'FirebreakPageFailed', at: '45m' },
    ],
    fires: [
      { alert: 'FirebreakPageFailed', at: '22m' },
      { alert: 'FirebreakPageFailed', at: '52m' },
    ],
  },
  {
    name: 'old failures do not fire after a gap of twenty minutes',
    series: {
      [UP]: '1x20 _x80 1x200',
      'firebreak_pages_total{route="pager",outcome="failed"}': '3x20 _x80 3x200',
      'firebreak_alerts_quarantined_total{source="grafana"}': '3x20 _x80 3x200',
    },
    quiet: ['26m', '35m', '42m'].flatMap((at) => [
      { alert: 'FirebreakPageFailed', at },
      { alert: 'FirebreakQuarantineGrowing', at },
    ]),
  },
  {
    name: 'the first quarantined body, and a later one',
    series: { ...up, 'firebreak_alerts_quarantined_total{source="grafana"}': '_x80 1x120 4x80' },
    quiet: fires('FirebreakQuarantineGrowing', '45m'),
    fires: [
      { alert: 'FirebreakQuarantineGrowing', at: '22m' },
      { alert: 'FirebreakQuarantineGrowing', at: '52m' },
    ],
  },
  {
    name: 'a rollback without an outcome',
    series: { ...up, 'firebreak_effects_unfinished_oldest_timestamp_seconds{kind="roll-back"}': '0x2000' },
    quiet: [
      { alert: 'FirebreakEffectUnfinished', at: '1h50m' },
      { alert: 'FirebreakPageUnsent', at: '1h' },
    ],
    fires: fires('FirebreakEffectUnfinished', '2h10m'),
  },
  {
    name: 'a vendor that does not respond; a few errors do not fire',
    series: {
      ...up,
      'firebreak_vendor_calls_total{vendor="slack",outcome="error"}': '0+1x200',
      'firebreak_vendor_calls_total{vendor="grafana",outcome="error"}': '0x20 1x2 2x200',
    },
    quiet: fires('FirebreakVendorRefusing', '20m'),
    fires: fires('FirebreakVendorFailing', '20m'),
  },
  {
    name: 'a vendor that refuses requests',
    series: {
      ...up,
      'firebreak_vendor_calls_total{vendor="slack",outcome="refused"}': '0+2x200',
      'firebreak_vendor_calls_total{vendor="slack",outcome="ok"}': '0+1x200',
    },
    quiet: fires('FirebreakVendorFailing', '20m'),
    fires: fires('FirebreakVendorRefusing', '20m'),
  },
  {
    name: 'a target that is not updated',
    series: { ...up, 'firebreak_projections_due_oldest_timestamp_seconds{target="slack"}': '0x2000' },
    quiet: fires('FirebreakProjectionLate', '24m'),
    fires: fires('FirebreakProjectionLate', '26m'),
  },
  {
    name: 'a receiver that does not accept the audit log',
    series: { ...up, firebreak_audit_stream_unsent_oldest_timestamp_seconds: '0x2000' },
    quiet: fires('FirebreakAuditStreamLate', '29m'),
    fires: fires('FirebreakAuditStreamLate', '31m'),
  },
  {
    name: 'a configuration that stays invalid',
    series: { ...up, firebreak_config_last_reload_successful: '1x20 0x100' },
    quiet: fires('FirebreakConfigInvalid', '12m'),
    fires: fires('FirebreakConfigInvalid', '17m'),
  },
  {
    name: 'a forgotten kill switch',
    series: { ...up, firebreak_automation_paused: '1x2000' },
    quiet: fires('FirebreakAutomationPaused', '3h50m'),
    fires: fires('FirebreakAutomationPaused', '4h10m'),
  },
  {
    name: 'objectives that are not evaluated',
    series: { ...up, firebreak_slo_evaluation_timestamp_seconds: '0+15x20 300x200' },
    quiet: fires('FirebreakObjectivesStale', '9m'),
    fires: fires('FirebreakObjectivesStale', '16m'),
  },
  {
    name: 'an old backup',
    series: { ...up, firebreak_backup_last_success_timestamp_seconds: `0x${(72 * 3600) / 15}` },
    quiet: fires('FirebreakBackupOld', '48h'),
    fires: fires('FirebreakBackupOld', '50h'),
  },
];
