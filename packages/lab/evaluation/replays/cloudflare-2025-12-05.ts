import { changeId, replayOf } from './replay.ts';

const id = 'cloudflare-2025-12-05';

export const cloudflareDecember2025 = replayOf({
  title: 'Cloudflare 2025-12-05: a global setting changed during a gradual deploy',
  source: {
    title: 'Cloudflare outage on December 5, 2025',
    publisher: 'Cloudflare',
    date: '2025-12-05',
    url: 'https://blog.cloudflare.com/5-december-2025-outage/',
  },
  facts: [
    'a larger buffer for request bodies was being rolled out gradually',
    'an internal tool did not support it, so a second change disabled the tool, globally within seconds',
    'from 08:47 about 28 % of the HTTP traffic failed with 500; the second change was reverted by 09:12',
  ],
  assumed: [
    'both changes are recorded: the second as a configuration change at 08:47, the first as a canary with 10 % of the traffic since 08:20',
    'the alert at 08:50',
  ],
  label: { cause: changeId(id, 0), right: 'roll_back' },
  why: 'The deploy in progress is the obvious suspect, but not the cause: the configuration change had to be reverted.',
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
