/** A routing key has 32 characters; the stand-in takes any. */
const SANDBOX_ROUTING_KEY = 'sandbox0000000000000000000000000';

/** Puts a stand-in where no vendor's URL is set, and says which vendors are off. Gives the lines to print. */
export function vendorDefaults(
  env: NodeJS.ProcessEnv,
  standIns: { pagerduty: string; cd: string } | undefined,
): string[] {
  if (standIns && !env['PAGERDUTY_EVENTS_URL']) {
    env['PAGERDUTY_EVENTS_URL'] = standIns.pagerduty;
    env['PAGERDUTY_API_URL'] ??= standIns.pagerduty;
    env['PAGERDUTY_ROUTING_KEY'] ??= SANDBOX_ROUTING_KEY;
  }
  if (standIns) env['CD_URL'] ??= `${standIns.cd}/api/v1/rollback`;
  return [
    ...(env['PAGERDUTY_ROUTING_KEY'] ? [] : ['PagerDuty is off: PAGERDUTY_ROUTING_KEY is not set']),
    ...(env['PROMETHEUS_URL'] ? [] : ['Prometheus is off: PROMETHEUS_URL is not set; verification goes by the alerts']),
    ...(env['GRAFANA_WEBHOOK_SECRET']
      ? []
      : ['Grafana signatures are off: GRAFANA_WEBHOOK_SECRET is not set; its contact point needs a token']),
  ];
}
