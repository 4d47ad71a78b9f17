import { changeId, replayOf } from './replay.ts';

const id = 'cloudflare-2025-11-18';

export const cloudflareNovember2025 = replayOf({
  title: 'Cloudflare 2025-11-18: changed database permissions, an oversized file',
  source: {
    title: 'Cloudflare outage on November 18, 2025',
    publisher: 'Cloudflare',
    date: '2025-11-18',
    url: 'https://blog.cloudflare.com/18-november-2025-outage/',
  },
  facts: [
    'at 11:05 permissions of a database cluster were changed, one node after the other',
    'a file was generated every five minutes: too large for the proxy if the queried node had the new permissions, else normal',
    'first errors of customers at 11:28, detected by an automated test at 11:31; the service recovered and failed repeatedly',
    'the file was replaced by an older one, and core traffic flowed by 14:30',
  ],
  assumed: [
    'the change of permissions is recorded, and the catalogue states that the proxy depends on the database',
    'requests fail for two and a half minutes out of every five',
  ],
  label: { cause: changeId(id, 0), right: 'ask' },
  why: 'Undoing the change of permissions would not have replaced the file. People needed hours to find the connection.',
  incident: {
    id,
    day: '2025-11-18',
    service: 'core-proxy',
    alert: { at: '11:31', forSeconds: 60, intervalSeconds: 60 },
    at: '11:32',
    errors: {
      max: 0.005,
      points: [
        ['11:28', 0.0005],
        ['11:28:30', 0.12],
        ['11:30:30', 0.12],
        ['11:32', 0.25],
      ],
    },
    traffic: [['10:00', 1]],
    changes: [
      {
        service: 'clickhouse',
        relation: 'dependency',
        kind: 'config',
        version: 'grants-2025-11-18',
        startedAt: '11:05',
        finishedAt: null,
      },
    ],
    failing: [{ service: 'workers-kv', since: '11:28:30', relation: 'dependent' }],
  },
});
