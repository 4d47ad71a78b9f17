import { replayOf } from './replay.ts';

export const datadog2023 = replayOf({
  title: 'Datadog 2023-03-08: a security update on every machine',
  source: {
    title: '2023-03-08 Incident: Infrastructure connectivity issue affecting multiple regions',
    publisher: 'Datadog',
    date: '2023-05-16',
    url: 'https://www.datadoghq.com/blog/2023-03-08-multiregion-infrastructure-connectivity-issue/',
  },
  facts: [
    'an automatic update of systemd began at 06:00 UTC and removed network routes of tens of thousands of machines',
    'internal monitoring alerted three minutes later; the web, APIs and monitors were down in five regions',
    'web access came back at 09:13',
  ],
  assumed: [
    'such updates are not recorded as changes',
    'a deploy of the web tier at 05:45, done at 05:55',
    'the error ratio rises over ten minutes, as the update spreads',
  ],
  label: { cause: null, right: 'do_not_roll_back' },
  why: 'All services of all regions fail; the deploy of one of them is a coincidence.',
  incident: {
    id: 'datadog-2023-03-08',
    day: '2023-03-08',
    service: 'web-ui',
    alert: { at: '06:03', forSeconds: 60, intervalSeconds: 30 },
    at: '06:04',
    errors: {
      max: 0.01,
      points: [
        ['06:00', 0.001],
        ['06:02', 0.1],
        ['06:10', 0.9],
      ],
    },
    traffic: [['05:00', 1]],
    changes: [
      { service: 'web-ui', relation: 'same', kind: 'deploy', version: 'ui-1', startedAt: '05:45', finishedAt: '05:55' },
    ],
    failing: [
      { service: 'intake', since: '06:01:30', relation: 'unrelated' },
      { service: 'monitors', since: '06:02', relation: 'unrelated' },
      { service: 'metrics-store', since: '06:01', relation: 'dependency' },
    ],
  },
});
