export type AlertmanagerOptions = {
  /** Where Firebreak is, as Alertmanager reaches it; without a slash at its end. */
  url: string;
  /** The file on Alertmanager's machine that holds Firebreak's ingest token. */
  tokenFile: string;
};

/** Alerts of one service and environment come together, however many objectives of it burn. */
const GROUP_BY = ['service', 'environment'];

/**
 * A whole configuration: every alert goes to Firebreak, pages at once. Its routes, inhibitions and receiver can be taken
 * over into one's own.
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
        // A page does not wait for others to come with it: deploys are frozen from it on.
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
      // Whoever is paged about an objective needs no ticket about it.
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
