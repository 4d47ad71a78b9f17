import { changeId, replayOf } from './replay.ts';

const id = 'facebook-2021-10-04';

export const facebook2021 = replayOf({
  title: 'Facebook 2021-10-04: the backbone is gone',
  source: {
    title: 'More details about the October 4 outage',
    publisher: 'Meta',
    date: '2021-10-05',
    url: 'https://engineering.fb.com/2021/10/05/networking-traffic/outage-details/',
  },
  facts: [
    'a command of routine maintenance took down all connections of the backbone; an audit tool failed to stop it',
    'DNS servers that no longer reached the data centres withdrew their routes, and nothing could be found any more',
    'the usual ways into the data centres were down with it; people had to go there',
  ],
  assumed: [
    'the minute, 15:39 UTC, as others saw it from outside',
    'the command is recorded as a change of infrastructure',
    'a deploy of the web tier at 15:10, done at 15:25',
  ],
  label: { cause: changeId(id, 0), right: 'ask' },
  why: 'Everything fails at once, so it is no deploy of a service. Recovery required people on site.',
  incident: {
    id,
    day: '2021-10-04',
    service: 'web',
    alert: { at: '15:41', forSeconds: 60, intervalSeconds: 30 },
    at: '15:41:30',
    errors: {
      max: 0.01,
      points: [
        ['15:39', 0.001],
        ['15:40', 1],
      ],
    },
    traffic: [
      ['15:39', 1],
      ['15:40', 0.02],
    ],
    changes: [
      {
        service: 'backbone',
        relation: 'shared',
        kind: 'infrastructure',
        version: 'capacity-assessment',
        startedAt: '15:38:30',
        finishedAt: '15:39',
      },
      { service: 'web', relation: 'same', kind: 'deploy', version: 'www-1', startedAt: '15:10', finishedAt: '15:25' },
    ],
    failing: [
      { service: 'dns', since: '15:39:30', relation: 'dependency' },
      { service: 'instagram', since: '15:39:30', relation: 'unrelated' },
      { service: 'whatsapp', since: '15:39:30', relation: 'unrelated' },
    ],
  },
});
