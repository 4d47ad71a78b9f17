export type AlertmanagerOptions = {
  /** URL at which Alertmanager reaches Firebreak, without a trailing slash. */
  url: string;
  /** Path on Alertmanager's machine of the file with Firebreak's ingest token. */
  tokenFile: string;
};

/** Groups the alerts of one service and environment, whatever the number of burning objectives. */
const GROUP_BY = ['service', 'environment'];

/**
 * Returns a complete configuration that sends every alert to Firebreak, pages immediately. Users can copy its routes,
 * inhibition rules, and receiver into their own configuration.
 * @see https://prometheus.io/docs/alerting/latest/configuration/
 */
export function alertmanagerConfig({ url, tokenFile }: AlertmanagerOptions) {
  return {
    route: {
      receiver: 'firebreak',
      group_by: GROUP_BY,
      group_wait: '10s',
      group_interval: '1m',
      repeat_interval: '1h',
      routes: [
        // Pages do not wait for grouping, because they freeze deploys.
        {
          receiver: 'firebreak',
          matchers: ['severity=~"page|critical"'],
          group_wait: '0s',
          group_interval: '15s',
          repeat_interval: '15m',
        },
      ],
    },
    inhibit_rules: [
      // A page about an objective makes its ticket redundant.
      {
        source_matchers: ['alertname="SLOFastBurn"'],
        target_matchers: ['alertname="SLOSlowBurn"'],
        equal: ['slo', 'service', 'environment'],
      },
    ],
    receivers: [
      {
        name: 'firebreak',
        webhook_configs: [
          {
            url: `${url}/v1/alerts/alertmanager`,
            send_resolved: true,
            max_alerts: 0,
            http_config: {
              follow_redirects: false,
              authorization: { type: 'Bearer', credentials_file: tokenFile },
            },
          },
        ],
      },
    ],
  };
}
