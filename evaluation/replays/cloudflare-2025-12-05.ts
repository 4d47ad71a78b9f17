import { changeId, replayOf } from './replay.ts';

const id = 'cloudflare-2025-12-05';

export const cloudflareDecember2025 = replayOf({
  title: 'Cloudflare 2025-12-05: a switch beside a gradual deploy',
  source: {
    title: 'Cloudflare outage on December 5, 2025',
    publisher: 'Cloudflare',
    date: '2025-12-05',
    url: 'https://blog.cloudflare.com/5-december-2025-outage/',
  },
  facts: [
    'a larger buffer for request bodies was being rolled out gradually',
    'an internal tool that could not cope with it was switched off by a second change, global within seconds',
    'from 08:47 about 28 % of the HTTP traffic failed with 500; the second change was taken back by 09:12',
  ],
  assumed: [
    'both are recorded: the second as configuration at 08:47, the first as a canary of a tenth since 08:20',
    'the alert at 08:50',
  ],
  label: { cause: changeId(id, 0), right: 'roll_back' },
  why: 'The deploy that was going on is the obvious suspect and the wrong one: the switch had to be taken back.',
  incident: {
    id,
    day: '2025-12-05',
    service: 'proxy-fl1',
    alert: { at: '08:50', forSeconds: 120, intervalSeconds: 30 },
    at: '08:50:40',
    errors: {
      max: 0.01,
      points: [
        ['08:47', 0.0005],
        ['08:48', 0.28],
      ],
    },
    traffic: [['07:00', 1]],
    changes: [
      {
        service: 'proxy-fl1',
        relation: 'same',
        kind: 'config',
        version: 'waf-test-tool-off',
        startedAt: '08:47',
        finishedAt: '08:47:05',
      },
      {
        service: 'proxy-fl1',
        relation: 'same',
        kind: 'deploy',
        version: 'body-buffer-1mb',
        startedAt: '08:20',
        finishedAt: null,
        canaryWeight: 0.1,
      },
    ],
  },
});
