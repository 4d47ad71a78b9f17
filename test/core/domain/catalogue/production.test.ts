import { expect, test } from 'vitest';
import { productionFindings, type ClientConnection } from '../../../../core/domain/catalogue/production.ts';
import { Machine } from '../../../../schemas/config/machine.ts';

const READY = Machine.parse({
  at: '2026-11-21T12:00:00.000Z',
  host: '127.0.0.1',
  port: 8080,
  sandbox: false,
  time_scale: 1,
  log_level: 'info',
  admin_token: 'set',
  weak_tokens: [],
  user_id: 998,
  node_version: '24.21.0',
  expected_node_version: '24.21.0',
  clock: 'synchronized',
  data: {
    path: '/var/lib/firebreak',
    mode: '700',
    owner_id: 998,
    open_files: [],
    in_memory: false,
    on_network: false,
    in_program: false,
    free_bytes: 50 * 2 ** 30,
    total_bytes: 100 * 2 ** 30,
  },
  last_backup_at: '2026-11-21T02:00:00.000Z',
});
const PAGED = [{ name: 'PagerDuty pages', mode: 'real' }];
const TLS: ClientConnection = { isTls: true, isThisMachine: false, sandboxAnswers: false, hsts: true };

type Around = {
  machine?: object;
  data?: object;
  vendors?: { name: string; mode?: string }[];
  way?: ClientConnection;
  watched?: boolean | null;
};

const findings = ({ machine, data, vendors = PAGED, way: connection = TLS, watched = true }: Around = {}) =>
  productionFindings(
    { ...READY, ...machine, data: { ...READY.data, ...data } },
    { vendors, connection, isScraped: watched },
  );

test('with the settings of docs/how-to/production.md, there are no findings', () => {
  expect(findings().filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
});

const open = { host: '0.0.0.0' };
const here: ClientConnection = { isTls: false, isThisMachine: true };

test.each<[string, Around, 'no' | 'warn' | 'off', RegExp]>([
  ['the sandbox is on', { machine: { sandbox: true } }, 'no', /FIREBREAK_SANDBOX=off/],
  ['the proxy publishes the sandbox', { way: { ...TLS, sandboxAnswers: true } }, 'no', /forwards \/sandbox/],
  [
    'a vendor is a stand-in',
    { vendors: [...PAGED, { name: 'Slack', mode: 'stand-in' }] },
    'no',
    /Slack: .*deliver no messages/,
  ],
  ['time is scaled', { machine: { time_scale: 60 } }, 'no', /FIREBREAK_TIME_SCALE/],
  ['the pager is off', { vendors: [{ name: 'PagerDuty pages', mode: 'off' }] }, 'no', /PAGERDUTY_ROUTING_KEY/],
  [
    'the pager is a stand-in',
    { vendors: [{ name: 'PagerDuty pages', mode: 'stand-in' }] },
    'no',
    /no pager is configured/,
  ],
  ['only PagerDuty itself pages', { vendors: [{ name: 'PagerDuty API', mode: 'real' }] }, 'warn', /paging: external/],
  ['there is a webhook alone', { vendors: [{ name: 'webhook pager.example' }] }, 'warn', /fallback/],
  ['the admin token was generated', { machine: { admin_token: 'generated' } }, 'no', /environment file/],
  ['a token is short', { machine: { weak_tokens: ['FIREBREAK_INGEST_TOKEN'] } }, 'no', /FIREBREAK_INGEST_TOKEN is too/],
  ['it is asked over plain HTTP', { way: { isTls: false, isThisMachine: false } }, 'no', /exposes tokens/],
  ['it listens everywhere without TLS', { machine: open, way: here }, 'no', /HOST=127\.0\.0\.1/],
  ['it listens everywhere, behind a proxy', { machine: open }, 'warn', /only the proxy/],
  ['it is queried locally, so a proxy cannot be detected', { way: here }, 'off', /FIREBREAK_URL=https/],
  ['the proxy sets no HSTS', { way: { ...TLS, hsts: false } }, 'warn', /Strict-Transport-Security/],
  ['it runs as root', { machine: { user_id: 0 }, data: { owner_id: 0 } }, 'no', /as root/],
  ['Node is too old', { machine: { node_version: '22.20.0' } }, 'no', /older than 24/],
  ['Node is another one', { machine: { node_version: '26.1.0' } }, 'warn', /tested with 24\.21\.0/],
  ['it logs everything', { machine: { log_level: 'debug' } }, 'warn', /fills the disk/],
  ['it logs nothing', { machine: { log_level: 'silent' } }, 'warn', /LOG_LEVEL=silent/],
  ['others may enter the data folder', { data: { mode: '750' } }, 'no', /chmod 700 \/var\/lib\/firebreak/],
  ['the data folder belongs to another user', { data: { owner_id: 1000 } }, 'no', /belongs to user 1000/],
  ['files of it are open', { data: { open_files: ['tokens.json'] } }, 'no', /tokens\.json: chmod 600/],
  ['data is on a network', { data: { on_network: true } }, 'no', /network file system.*local disk/],
  ['data is in memory', { data: { in_memory: true } }, 'no', /lost when the machine restarts/],
  ['data is beside the program', { data: { in_program: true } }, 'warn', /FIREBREAK_DATA_DIR/],
  ['the disk is full', { data: { free_bytes: 2 ** 29 } }, 'no', /0\.5 of 100\.0 GiB free/],
  ['the disk fills', { data: { free_bytes: 3 * 2 ** 30 } }, 'warn', /3\.0 of 100\.0 GiB/],
  ['there is no backup', { machine: { last_backup_at: null } }, 'no', /firebreak backup/],
  ['the backup is old', { machine: { last_backup_at: '2026-11-18T12:00:00.000Z' } }, 'no', /72 hours ago/],
  ['the clock runs free', { machine: { clock: 'not_synchronized' } }, 'no', /chrony/],
  ['the clock status is unknown', { machine: { clock: 'unknown' } }, 'warn', /timedatectl/],
  ['no monitoring watches it', { watched: false }, 'no', /no alert is sent when Firebreak is down/],
  ['there is no Prometheus', { watched: null }, 'warn', /PROMETHEUS_URL/],
])('%s', (_, around, verdict, text) => {
  const bad = findings(around).filter((one) => one.verdict !== 'ok');
  expect(bad.map((one) => one.verdict)).toContain(verdict);
  expect(bad.find((one) => one.verdict === verdict && text.test(one.text))).toBeDefined();
});
