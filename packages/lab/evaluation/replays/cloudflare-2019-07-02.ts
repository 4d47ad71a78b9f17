import { changeId, replayOf } from './replay.ts';

const id = 'cloudflare-2019-07-02';

export const cloudflare2019 = replayOf({
  title: 'Cloudflare 2019-07-02: a firewall rule that exhausted the CPU',
  source: {
    title: 'Details of the Cloudflare outage on July 2, 2019',
    publisher: 'Cloudflare',
    date: '2019-07-12',
    url: 'https://blog.cloudflare.com/details-of-the-cloudflare-outage-on-july-2-2019/',
  },
  facts: [
    'a rule of the web application firewall was deployed at 13:42, everywhere within seconds',
    'CPU usage rose to nearly 100 %, visitors got 502 responses, and traffic fell by about 80 %; people were paged within minutes',
    'the firewall was switched off everywhere at 14:07, and traffic was normal by 14:09',
  ],
  assumed: ['the rule is recorded as a change of configuration of the firewall', 'the page was sent at 13:45'],
  label: { cause: changeId(id, 0), right: 'roll_back' },
  why: 'Removing the rule ended the outage; no deploy of code was involved.',
  incident: {
    id,
    day: '2019-07-02',
    service: 'edge-waf',
    alert: { at: '13:45', forSeconds: 60, intervalSeconds: 30 },
    at: '13:45:40',
    errors: {
      max: 0.01,
      points: [
        ['13:42', 0.001],
        ['13:43', 0.3],
        ['13:44', 0.8],
      ],
    },
    traffic: [
      ['13:42', 1],
      ['13:44', 0.2],
    ],
    changes: [
      {
        service: 'edge-waf',
        relation: 'same',
        kind: 'config',
        version: 'managed-rules-2019-07-02',
        startedAt: '13:42',
        finishedAt: '13:42:05',
      },
    ],
  },
});
