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

function ofSandbox({ sandbox, time_scale: scale }: Machine, vendors: readonly Vendor[], way: Way): ProductionFinding[] {
  const standIns = vendors.filter(({ mode }) => mode === 'stand-in').map(({ name }) => name);
  return [
    ...(way.sandboxAnswers === true
      ? [no('sandbox', 'the proxy lets /sandbox through: answer it with 404 there, as deploy/nginx.conf does')]
      : []),
    sandbox ? no('sandbox', 'open to every user of this machine: set FIREBREAK_SANDBOX=off') : ok('sandbox', 'off'),
    ...(standIns.length > 0
      ? [no('stand-ins', `${standIns.join(', ')}: messages to them reach nobody; set FIREBREAK_SANDBOX=off`)]
      : []),
    ...(scale === 1 ? [] : [no('time scale', `time passes ${scale} times as fast: remove FIREBREAK_TIME_SCALE`)]),
  ];
}

/** A stand-in is reported with the other vendors. */
function ofPager(vendors: readonly Vendor[]): ProductionFinding {
  const modeOf = (wanted: string) => vendors.find(({ name }) => name === wanted)?.mode;
  if (modeOf('PagerDuty pages') === 'real') return ok('pager', 'pages go to PagerDuty');
  if (modeOf('PagerDuty API') === 'real')
    return warn('pager', 'only services with "paging: external" are paged for; else set PAGERDUTY_ROUTING_KEY');
  return vendors.some(({ name }) => name.startsWith('webhook '))
    ? warn('pager', 'no PagerDuty: people are paged by the "fallback" of paging.yaml alone, if it names one')
    : no('pager', 'nobody is paged: set PAGERDUTY_ROUTING_KEY, or a "fallback" in paging.yaml');
}

function ofTokens({ admin_token: admin, weak_tokens: weak }: Machine): ProductionFinding[] {
  const findings = [
    ...(admin === 'generated'
      ? [
          no(
            'admin token',
            'generated, and kept in tokens.json of the data folder: set FIREBREAK_ADMIN_TOKEN to it in the environment ' +
              'file, and remove it from tokens.json',
          ),
        ]
      : []),
    ...weak.map((name) => no('tokens', `${name} is too short: take one from openssl rand -base64 32`)),
  ];
  return findings.length > 0 ? findings : [ok('tokens', 'set, and long enough')];
}

const LOOPBACK = /^(127(\.\d+){3}|localhost|::1)$/;

function ofWay({ host, port }: Machine, { isTls, isThisMachine, hsts }: Way): ProductionFinding {
  const isOpen = !LOOPBACK.test(host);
  if (!isTls && !isThisMachine) return no('TLS', 'this address is plain HTTP: tokens can be read on the way');
  if (isOpen && !isTls)
    return no(
      'TLS',
      `it listens at ${host}, port ${port}, in plain HTTP: set HOST=127.0.0.1 and put a proxy with TLS before it. In a ` +
        'container, publish the port to the proxy alone, and run this with FIREBREAK_URL=https://…',
    );
  if (isOpen) return warn('TLS', `port ${port} at ${host} speaks plain HTTP: let nobody but the proxy reach it`);
  if (!isTls)
    return {
      verdict: 'off',
      about: 'TLS',
      text: 'not checked: run this with FIREBREAK_URL=https://… and FIREBREAK_TOKEN',
    };
  return hsts === false
    ? warn('TLS', 'no Strict-Transport-Security header: add it at the proxy')
    : ok('TLS', 'the address is reached over TLS, and the port by this machine alone');
}

function ofProcess(machine: Machine): ProductionFinding[] {
  const { user_id: user, node_version: node, expected_node_version: expected, log_level: level } = machine;
  const [major, wanted] = [node, expected].map((version) => Number(/\d+/.exec(version)?.[0] ?? 0));
  return [
    ...(user === 0 ? [no('user', 'it runs as root: run it as a user of its own')] : []),
    (major ?? 0) < (wanted ?? 0)
      ? no('Node', `${node}, which is older than ${expected}: start it with node_modules/.bin/node`)
      : node === expected
        ? ok('Node', node)
        : warn('Node', `${node}; it is tested with ${expected}, which is node_modules/.bin/node`),
    ...(level === 'silent' || level === 'error'
      ? [warn('log', `LOG_LEVEL=${level} leaves out what people need during an incident`)]
      : []),
    ...(level === 'debug' ? [warn('log', 'LOG_LEVEL=debug fills the disk: set LOG_LEVEL=info')] : []),
  ];
}

function ofData({ data, user_id: user }: Machine): ProductionFinding[] {
  const { path, mode, owner_id: owner, open_files: open, free_bytes: free, total_bytes: total } = data;
  const left = `${(free / GIBIBYTE).toFixed(1)} of ${(total / GIBIBYTE).toFixed(1)} GiB free`;
  return [
    mode.endsWith('00')
      ? ok('data folder', `${path}, only its owner has access`)
      : no('data folder', `${path} has mode ${mode}: chmod 700 ${path}`),
    ...(user !== null && owner !== user
      ? [no('data folder', `${path} belongs to user ${owner}, and Firebreak runs as ${user}: chown it`)]
      : []),
    ...(open.length > 0 ? [no('data folder', `others can read ${open.join(', ')}: chmod 600 them`)] : []),
    ...(data.in_memory ? [no('data folder', `${path} is in memory, and lost when the machine restarts`)] : []),
    ...(data.in_program
      ? [
          warn(
            'data folder',
            `${path} is within the program's folder: set FIREBREAK_DATA_DIR to one that upgrades leave alone`,
          ),
        ]
      : []),
    free < FREE_MIN_BYTES
      ? no('disk', `${left}: without room nothing can be accepted`)
      : free < FREE_WARN_BYTES
        ? warn('disk', left)
        : ok('disk', left),
  ];
}

function ofBackup({ at, last_backup_at: last }: Machine): ProductionFinding {
  if (last === null) return no('backup', 'no backup yet: run firebreak backup (docs/backup.md)');
  const hours = (millisOf(at) - millisOf(last)) / 3_600_000;
  return hours > BACKUP_MAX_HOURS
    ? no('backup', `the last one shows ${last}, ${Math.floor(hours)} hours ago: run firebreak backup every night`)
    : ok('backup', `the last one shows ${last}`);
}

function ofClock({ clock }: Machine): ProductionFinding {
  if (clock === 'synchronized') return ok('clock', 'synchronized');
  return clock === 'unknown'
    ? warn(
        'clock',
        'cannot tell whether it is synchronized (timedatectl gives no answer); signatures are refused if it is wrong',
      )
    : no('clock', 'not synchronized: install systemd-timesyncd or chrony, or signatures are refused');
}

function ofWatch(watched: boolean | null): ProductionFinding {
  const how =
    'scrape it, load deploy/monitoring/firebreak-rules.yaml, and send these alerts past Firebreak (docs/operating.md)';
  if (watched === null)
    return warn('watched', `cannot tell without PROMETHEUS_URL whether Firebreak is monitored: ${how}`);
  return watched
    ? ok('watched', 'Prometheus scrapes it as the job firebreak')
    : no('watched', `Prometheus has no job firebreak, so nobody is notified when Firebreak is down: ${how}`);
}
