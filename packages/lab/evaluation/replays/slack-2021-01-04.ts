import { replayOf } from './replay.ts';

export const slack2021 = replayOf({
  title: 'Slack 2021-01-04: a gateway of the cloud that did not scale',
  source: {
    title: "Slack's Outage on January 4th 2021",
    publisher: 'Slack',
    date: '2021-02',
    url: 'https://slack.engineering/slacks-outage-on-january-4th-2021/',
  },
  facts: [
    'packets were lost in the network of the cloud provider from about 14:00 UTC, more and more of them',
    'people were alerted at about 14:45; at 14:57 still 99 % of messages were sent, usually it is 99.999 %',
    'with the peak at 15:00 and the return from the holidays, the web tier was saturated and Slack went down',
    'the gateway of the provider had not scaled up fast enough; the provider enlarged it',
  ],
  assumed: ['a deploy of the web application at 14:10', 'the traffic of the morning, rising by a third in the hour'],
  label: { cause: null, right: 'do_not_roll_back' },
  why: 'Nothing that Slack had deployed was the cause.',
  incident: {
    id: 'slack-2021-01-04',
    day: '2021-01-04',
    service: 'webapp',
    alert: { at: '14:45', forSeconds: 300, intervalSeconds: 60 },
    at: '14:46',
    errors: {
      max: 0.002,
      points: [
        ['13:58', 0.00001],
        ['14:20', 0.001],
        ['14:38', 0.002],
        ['14:57', 0.01],
      ],
    },
    traffic: [
      ['13:30', 1],
      ['14:46', 1.35],
    ],
    changes: [
      {
        service: 'webapp',
        relation: 'same',
        kind: 'deploy',
        version: 'webapp-2021-01-04-1',
        startedAt: '14:10',
        finishedAt: '14:20',
      },
    ],
    failing: [{ service: 'dashboards', since: '14:40', relation: 'unrelated' }],
  },
});
