import type { Machine } from '../../schemas/config/machine.ts';
import { millisOf } from '../../schemas/time/time.ts';

/** `no`: not ready for production. `off`: not checked, with the way to check it. */
export type ProductionFinding = { verdict: 'ok' | 'off' | 'warn' | 'no'; about: string; text: string };

/** Connection to Firebreak as a client sees it. */
export type Way = {
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
  around: { vendors: readonly Vendor[]; way: Way; watched: boolean | null },
): ProductionFinding[] => [
  ...ofSandbox(machine, around.vendors, around.way),
  ofPager(around.vendors),
  ...ofTokens(machine),
  ofWay(machine, around.way),
  ...ofProcess(machine),
  ...ofData(machine),
  ofBackup(machine),
  ofClock(machine),
  ofWatch(around.watched),
];

const no = (about: string, text: string): ProductionFinding => ({ verdict: 'no', about, text });
const warn = (about: string, text: string): ProductionFinding => ({ verdict: 'warn', about, text });
const ok = (about: string, text: string): ProductionFinding => ({ verdict: 'ok', about, text });

function ofSandbox(
  { sandbox, time_scale: scale }: Machine,
  vendors: readonly Vendor[],
  connection: Way,
): ProductionFinding[] {
  const standIns = vendors.filter(({ mode }) => mode === 'stand-in').map(({ name }) => name);
  return [
    ...(connection.sandboxAnswers === true
      ? [no('sandbox', 'the proxy forwards /sandbox: answer it with 404 there, as in deploy/nginx.conf')]
      : []),
    sandbox
      ? no('sandbox', 'accessible to every user of this machine: set FIREBREAK_SANDBOX=off')
      : ok('sandbox', 'off'),
    ...(standIns.length > 0
      ? [no('stand-ins', `${standIns.join(', ')}: they deliver no messages; set FIREBREAK_SANDBOX=off`)]
      : []),
    ...(scale === 1 ? [] : [no('time scale', `time passes ${scale} times as fast: remove FIREBREAK_TIME_SCALE`)]),
  ];
}

/** A stand-in is reported with the other vendors. */
function ofPager(vendors: readonly Vendor[]): ProductionFinding {
  const modeOf = (expected: string) => vendors.find(({ name }) => name === expected)?.mode;
  if (modeOf('PagerDuty pages') === 'real') return ok('pager', 'pages go to PagerDuty');
  if (modeOf('PagerDuty API') === 'real')
    return warn(
      'pager',
      'only services with "paging: external" cause pages; for all others, set PAGERDUTY_ROUTING_KEY',
    );
  return vendors.some(({ name }) => name.startsWith('webhook '))
    ? warn('pager', 'no PagerDuty: pages go only to the "fallback" of paging.yaml, if it has one')
    : no('pager', 'no pager is configured: set PAGERDUTY_ROUTING_KEY, or a "fallback" in paging.yaml');
}

function ofTokens({ admin_token: admin, weak_tokens: weak }: Machine): ProductionFinding[] {
  const findings = [
    ...(admin === 'generated'
      ? [
          no(
            'admin token',
            'generated, and stored in tokens.json in the data folder: move it to FIREBREAK_ADMIN_TOKEN in the environment ' +
              'file, and delete it from tokens.json',
          ),
        ]
      : []),
    ...weak.map((name) => no('tokens', `${name} is too short: generate one with openssl rand -base64 32`)),
  ];
  return findings.length > 0 ? findings : [ok('tokens', 'all tokens are long enough')];
}

const LOOPBACK = /^(127(\.\d+){3}|localhost|::1)$/;

function ofWay({ host, port }: Machine, { isTls, isThisMachine, hsts }: Way): ProductionFinding {
  const isOpen = !LOOPBACK.test(host);
  if (!isTls && !isThisMachine) return no('TLS', 'this address uses plain HTTP, which exposes tokens: use HTTPS');
  if (isOpen && !isTls)
    return no(
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

function ofProcess(machine: Machine): ProductionFinding[] {
  const { user_id: user, node_version: node, expected_node_version: expected, log_level: level } = machine;
  const [major, wanted] = [node, expected].map((version) => Number(/\d+/.exec(version)?.[0] ?? 0));
  return [
    ...(user === 0 ? [no('user', 'Firebreak runs as root: run it as a dedicated user')] : []),
    (major ?? 0) < (wanted ?? 0)
      ? no('Node', `${node}, which is older than ${expected}: start it with node_modules/.bin/node`)
      : node === expected
        ? ok('Node', node)
        : warn('Node', `${node}; Firebreak is tested with ${expected}: start it with node_modules/.bin/node`),
    ...(level === 'silent' || level === 'error'
      ? [warn('log', `LOG_LEVEL=${level} omits log lines that responders need during an incident: set LOG_LEVEL=info`)]
      : []),
    ...(level === 'debug' ? [warn('log', 'LOG_LEVEL=debug fills the disk: set LOG_LEVEL=info')] : []),
  ];
}

function ofData({ data, user_id: user }: Machine): ProductionFinding[] {
  const { path, mode, owner_id: owner, open_files: open, free_bytes: free, total_bytes: total } = data;
  const left = `${(free / GIBIBYTE).toFixed(1)} of ${(total / GIBIBYTE).toFixed(1)} GiB free`;
  return [
    mode.endsWith('00')
      ? ok('data folder', `${path}, accessible only to its owner`)
      : no('data folder', `${path} has mode ${mode}: chmod 700 ${path}`),
    ...(user !== null && owner !== user
      ? [no('data folder', `${path} belongs to user ${owner}, but Firebreak runs as user ${user}: chown it`)]
      : []),
    ...(open.length > 0 ? [no('data folder', `others can read ${open.join(', ')}: chmod 600 them`)] : []),
    ...(data.in_memory
      ? [
          no(
            'data folder',
            `${path} is in memory and is lost when the machine restarts: set FIREBREAK_DATA_DIR to a folder on disk`,
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
      ? no('disk', `${left}: Firebreak accepts nothing without free space`)
      : free < FREE_WARN_BYTES
        ? warn('disk', left)
        : ok('disk', left),
  ];
}

function ofBackup({ at, last_backup_at: last }: Machine): ProductionFinding {
  if (last === null) return no('backup', 'no backup yet: run firebreak backup (docs/how-to/backup.md)');
  const hours = (millisOf(at) - millisOf(last)) / 3_600_000;
  return hours > BACKUP_MAX_HOURS
    ? no('backup', `the last backup is of ${last}, ${Math.floor(hours)} hours ago: run firebreak backup every night`)
    : ok('backup', `the last backup is of ${last}`);
}

function ofClock({ clock }: Machine): ProductionFinding {
  if (clock === 'synchronized') return ok('clock', 'synchronized');
  return clock === 'unknown'
    ? warn(
        'clock',
        'unknown whether it is synchronized (timedatectl does not answer); a wrong clock makes signature checks fail',
      )
    : no('clock', 'not synchronized, which makes signature checks fail: install systemd-timesyncd or chrony');
}

function ofWatch(watched: boolean | null): ProductionFinding {
  const how =
    'scrape it, load deploy/monitoring/firebreak-rules.yaml, and send these alerts past Firebreak (docs/how-to/operating.md)';
  if (watched === null) return warn('watched', `unknown without PROMETHEUS_URL whether Firebreak is monitored: ${how}`);
  return watched
    ? ok('watched', 'Prometheus scrapes Firebreak as the job firebreak')
    : no('watched', `Prometheus has no job firebreak, so no alert is sent when Firebreak is down: ${how}`);
}
