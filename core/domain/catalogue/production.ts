import type { Machine } from '../../../schemas/config/machine.ts';
import { millisOf } from '../../../schemas/time/time.ts';

/** `no`: not ready for production. `off`: not checked, with the way to check it. */
export type ProductionFinding = { verdict: 'ok' | 'off' | 'warn' | 'no'; about: string; text: string };

/** Connection to Firebreak as a client sees it. */
export type ClientConnection = {
  isTls: boolean;
  isThisMachine: boolean;
  /** Only for a connection over TLS. */
  sandboxAnswers?: boolean;
  hsts?: boolean;
};

type Vendor = { name: string; mode?: string | undefined };

const GIBIBYTE = 2 ** 30;
const FREE_MIN_BYTES = GIBIBYTE;
const FREE_WARN_BYTES = 5 * GIBIBYTE;
const BACKUP_MAX_HOURS = 48;

/**
 * Checks whether a single-machine installation is ready for production: each finding says what to do.
 *
 * @param watched whether its Prometheus scrapes Firebreak as the job `firebreak`; null: unknown
 */
export const productionFindings = (
  machine: Machine,
  surroundings: { vendors: readonly Vendor[]; connection: ClientConnection; isScraped: boolean | null },
): ProductionFinding[] => [
  ...sandboxFindings(machine, surroundings.vendors, surroundings.connection),
  pagerFinding(surroundings.vendors),
  ...tokenFindings(machine),
  tlsFinding(machine, surroundings.connection),
  ...processFindings(machine),
  ...dataFindings(machine),
  backupFinding(machine),
  clockFinding(machine),
  monitoringFinding(surroundings.isScraped),
];

const notReady = (about: string, text: string): ProductionFinding => ({ verdict: 'no', about, text });
const warn = (about: string, text: string): ProductionFinding => ({ verdict: 'warn', about, text });
const ok = (about: string, text: string): ProductionFinding => ({ verdict: 'ok', about, text });

function sandboxFindings(
  { sandbox, time_scale: scale }: Machine,
  vendors: readonly Vendor[],
  connection: ClientConnection,
): ProductionFinding[] {
  const standIns = vendors.filter(({ mode }) => mode === 'stand-in').map(({ name }) => name);
  return [
    ...(connection.sandboxAnswers === true
      ? [notReady('sandbox', 'the proxy forwards /sandbox: answer it with 404 there, as in deploy/nginx.conf')]
      : []),
    sandbox
      ? notReady('sandbox', 'accessible to every user of this machine: set FIREBREAK_SANDBOX=off')
      : ok('sandbox', 'off'),
    ...(standIns.length > 0
      ? [notReady('stand-ins', `${standIns.join(', ')}: they deliver no messages; set FIREBREAK_SANDBOX=off`)]
      : []),
    ...(scale === 1 ? [] : [notReady('time scale', `time passes ${scale} times as fast: remove FIREBREAK_TIME_SCALE`)]),
  ];
}

/** Reports who gets pages. A stand-in is reported with the other vendors. */
function pagerFinding(vendors: readonly Vendor[]): ProductionFinding {
  const modeOf = (expected: string) => vendors.find(({ name }) => name === expected)?.mode;
  if (modeOf('PagerDuty pages') === 'real') return ok('pager', 'pages go to PagerDuty');
  if (modeOf('PagerDuty API') === 'real')
    return warn(
      'pager',
      'only services with "paging: external" cause pages; for all others, set PAGERDUTY_ROUTING_KEY',
    );
  return vendors.some(({ name }) => name.startsWith('webhook '))
    ? warn('pager', 'no PagerDuty: pages go only to the "fallback" of paging.yaml, if it has one')
    : notReady('pager', 'no pager is configured: set PAGERDUTY_ROUTING_KEY, or a "fallback" in paging.yaml');
}

function tokenFindings({ admin_token: admin, weak_tokens: weak }: Machine): ProductionFinding[] {
  const findings = [
    ...(admin === 'generated'
      ? [
          notReady(
            'admin token',
            'generated, and stored in tokens.json in the data folder: move it to FIREBREAK_ADMIN_TOKEN in the environment ' +
              'file, and delete it from tokens.json',
          ),
        ]
      : []),
    ...weak.map((name) => notReady('tokens', `${name} is too short: generate one with openssl rand -base64 32`)),
  ];
  return findings.length > 0 ? findings : [ok('tokens', 'all tokens are long enough')];
}

const LOOPBACK = /^(127(\.\d+){3}|localhost|::1)$/;

function tlsFinding({ host, port }: Machine, { isTls, isThisMachine, hsts }: ClientConnection): ProductionFinding {
  const isOpen = !LOOPBACK.test(host);
  if (!isTls && !isThisMachine) return notReady('TLS', 'this address uses plain HTTP, which exposes tokens: use HTTPS');
  if (isOpen && !isTls)
    return notReady(
      'TLS',
      `Firebreak listens at ${host}, port ${port}, with plain HTTP: set HOST=127.0.0.1, and put a TLS proxy in front of it. ` +
        'In a container, publish the port only to the proxy, and run this check with FIREBREAK_URL=https://…',
    );
  if (isOpen) return warn('TLS', `port ${port} at ${host} uses plain HTTP: make sure that only the proxy can reach it`);
  if (!isTls)
    return {
      verdict: 'off',
      about: 'TLS',
      text: 'not checked: run this check with FIREBREAK_URL=https://… and FIREBREAK_TOKEN',
    };
  return hsts === false
    ? warn('TLS', 'no Strict-Transport-Security header: add it at the proxy')
    : ok('TLS', 'the address uses TLS, and only this machine can reach the port');
}

function processFindings(machine: Machine): ProductionFinding[] {
  const { user_id: user, node_version: node, expected_node_version: expected, log_level: level } = machine;
  const [major, expectedMajor] = [node, expected].map((version) => Number(/\d+/.exec(version)?.[0] ?? 0));
  const remedy = 'npm ci --prefix scripts/node, and start it with scripts/node/node_modules/.bin/node';
  return [
    ...(user === 0 ? [notReady('user', 'Firebreak runs as root: run it as a dedicated user')] : []),
    (major ?? 0) < (expectedMajor ?? 0)
      ? notReady('Node', `${node}, which is older than ${expected}: ${remedy}`)
      : node === expected
        ? ok('Node', node)
        : warn('Node', `${node}; Firebreak is tested with ${expected}: ${remedy}`),
    ...(level === 'silent' || level === 'error'
      ? [warn('log', `LOG_LEVEL=${level} omits log lines that responders need during an incident: set LOG_LEVEL=info`)]
      : []),
    ...(level === 'debug' ? [warn('log', 'LOG_LEVEL=debug fills the disk: set LOG_LEVEL=info')] : []),
  ];
}

function dataFindings({ data, user_id: user }: Machine): ProductionFinding[] {
  const { path, mode, owner_id: owner, open_files: open, free_bytes: free, total_bytes: total } = data;
  const freeText = `${(free / GIBIBYTE).toFixed(1)} of ${(total / GIBIBYTE).toFixed(1)} GiB free`;
  return [
    mode.endsWith('00')
      ? ok('data folder', `${path}, accessible only to its owner`)
      : notReady('data folder', `${path} has mode ${mode}: chmod 700 ${path}`),
    ...(user !== null && owner !== user
      ? [notReady('data folder', `${path} belongs to user ${owner}, but Firebreak runs as user ${user}: chown it`)]
      : []),
    ...(open.length > 0 ? [notReady('data folder', `others can read ${open.join(', ')}: chmod 600 them`)] : []),
    ...(data.in_memory
      ? [
          notReady(
            'data folder',
            `${path} is in memory and is lost when the machine restarts: set FIREBREAK_DATA_DIR to a folder on disk`,
          ),
        ]
      : []),
    ...(data.on_network
      ? [
          notReady(
            'data folder',
            `${path} is on a network file system, which can damage the database: set FIREBREAK_DATA_DIR to a folder on a local disk`,
          ),
        ]
      : []),
    ...(data.in_program
      ? [
          warn(
            'data folder',
            `${path} is inside the program's folder: set FIREBREAK_DATA_DIR to a folder that upgrades do not touch`,
          ),
        ]
      : []),
    free < FREE_MIN_BYTES
      ? notReady('disk', `${freeText}: Firebreak refuses new alerts when the disk is full`)
      : free < FREE_WARN_BYTES
        ? warn('disk', freeText)
        : ok('disk', freeText),
  ];
}

function backupFinding({ at, last_backup_at: last }: Machine): ProductionFinding {
  if (last === null) return notReady('backup', 'no backup yet: run firebreak backup (docs/how-to/backup.md)');
  const hours = (millisOf(at) - millisOf(last)) / 3_600_000;
  return hours > BACKUP_MAX_HOURS
    ? notReady(
        'backup',
        `the last backup is of ${last}, ${Math.floor(hours)} hours ago: run firebreak backup every night`,
      )
    : ok('backup', `the last backup is of ${last}`);
}

function clockFinding({ clock }: Machine): ProductionFinding {
  if (clock === 'synchronized') return ok('clock', 'synchronized');
  return clock === 'unknown'
    ? warn(
        'clock',
        'unknown whether it is synchronized (timedatectl does not answer); a wrong clock makes signature checks fail',
      )
    : notReady('clock', 'not synchronized, which makes signature checks fail: install systemd-timesyncd or chrony');
}

function monitoringFinding(isScraped: boolean | null): ProductionFinding {
  const fix =
    'scrape it, load deploy/monitoring/firebreak-rules.yaml, and send these alerts past Firebreak (docs/how-to/operating.md)';
  if (isScraped === null)
    return warn('watched', `unknown without PROMETHEUS_URL whether Firebreak is monitored: ${fix}`);
  return isScraped
    ? ok('watched', 'Prometheus scrapes Firebreak as the job firebreak')
    : notReady('watched', `Prometheus has no job firebreak, so no alert is sent when Firebreak is down: ${fix}`);
}
