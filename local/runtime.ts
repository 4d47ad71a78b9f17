import { faultySigningSecrets } from '../vendors/connections/signing-secrets.ts';
import { refusedInputs } from '../core/actions/input-in-progress.ts';
import type { Compute } from '../core/actions/reports/computed-reports.ts';
import { systemClock as clock } from '../functions/assembly/clock.ts';
import { assemble } from '../functions/assembly/deps.ts';
import { createLog } from '../functions/assembly/log.ts';
import { computeHere } from '../functions/assembly/reports.ts';
import { receivesAlerts } from '../entrances/http/webhooks/alerts.ts';
import { namedCredentials } from '../core/domain/catalogue/vendors.ts';
import type { Blobs, Log } from '../core/domain/ports/system.ts';
import type { Product } from '../functions/assembly/product.ts';
import { SqlitePlatform } from '../platforms/sqlite/platform.ts';
import type { Config } from '../schemas/config/config.ts';
import { type Env, namedVariable } from '../schemas/config/variables.ts';
import { timestamp } from '../schemas/time/time.ts';
import { type Background, createBackground } from './background/thread.ts';
import { afterRestore } from './backup/after-restore.ts';
import { lastBackupMetric } from './backup/last-backup.ts';
import { removeAbandonedSnapshots } from './backup/snapshot.ts';
import { Closers } from './closers.ts';
import { type ConfigFolders, type LoadedSet, loadSet } from './config/config-set.ts';
import { fingerprint, NOTHING_APPLIED, publish, published, watchConfig } from './config/config-watch.ts';
import { catalogueFile } from './config/example.ts';
import { flushCounts } from './flush-counts.ts';
import { serveFront } from './front/front.ts';
import { machineState } from './machine.ts';
import { platformOptions } from './platform-options.ts';
import { appsOf } from './programs.ts';
import type { StartSandbox } from './sandbox.ts';
import type { Settings } from './settings.ts';
import { refuseStalledInput } from './stalls/stalled-input.ts';
import { type Systemd, watchStalls } from './stalls/watch.ts';
import { provideCredentials } from './state/credentials.ts';
import { withDiskFix } from './state/disk-problem.ts';
import { lockDataDir } from './state/lock.ts';
import { localSecret, namedSecrets } from './state/secrets.ts';
import { surviveRejections } from './unhandled.ts';
import { realSystems, vendorLines } from './vendors.ts';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_FILE } from '../platforms/sqlite/data-folder.ts';
import { CREDENTIAL_FILES, RESTORE_FOLDER } from './backup/contents.ts';

/** Begins the names of executions. */
const STAGE = 'local';

/** Thrown if the configuration on disk is invalid, and there is no earlier one to use. */
class BadConfig extends Error {
  override readonly name = 'BadConfig';
}

export type Running = {
  url: string;
  /** Lines for the person who started it. */
  notes: string[];
  stop(): Promise<void>;
  /** Resolves with the reason when it cannot continue. */
  failed: Promise<Error>;
};

/**
 * Starts the whole product on this machine. Parts start in the order of their dependencies: the server for outside
 * requests comes last.
 */
export async function startRuntime(settings: Settings, env: Env, startSandbox?: StartSandbox): Promise<Running> {
  const opened = new Closers();
  try {
    return await start(settings, env, opened, startSandbox);
  } catch (error) {
    await opened.close().catch(() => undefined); // the first error is more useful
    throw withDiskFix(error, settings.dataDir);
  }
}

async function start(
  settings: Settings,
  env: Env,
  opened: Closers,
  startSandbox: StartSandbox | undefined,
): Promise<Running> {
  const { dataDir, timeScale } = settings;
  const log = createLog(clock, settings.log);

  opened.onClose(surviveRejections(log));
  const lock = await lockDataDir(dataDir);
  opened.onClose(() => lock.release());
  const stalls = opened.add(watchStalls({ dataDir, logSettings: settings.log, systemd: systemdOf(env), log }));
  const running: { product?: Product; background?: Background } = {};
  const onDamage = (error: Error): void => {
    const probe = running.product?.writeProbe; // before there is a product, the error ends the start
    if (probe?.problem() === null) log.error('damage was found: not everything can continue', { error: String(error) });
    probe?.noteDamage(error);
  };
  const quarantineStalled = await refuseStalledInput(dataDir, log, Date.now());
  checkDataFolder(dataDir);
  await removeAbandonedSnapshots(dataDir);
  const sandbox =
    settings.sandbox && startSandbox ? opened.add(await startSandbox({ dir: dataDir, timeScale })) : undefined;
  let inForce: () => Config | undefined = () => undefined;
  const folders = { ...settings, inPlaceOfExample: sandbox?.catalogue(env) };
  const read = readConfig(folders); // while the thread that writes starts
  read.catch(() => undefined);
  const platform = opened.add(
    await SqlitePlatform.open(
      platformOptions(settings, log, (name) => sandbox?.settings.get(name, env) ?? localSecret(name, env, inForce())),
      onDamage,
    ),
  );

  const config = await publishAndWatchConfig(folders, await read, platform.blobs, log, async (next) => {
    running.background?.nameSecrets(namedSecrets(next));
    await sandbox?.prepare(next);
  });
  opened.onClose(config.stop);
  inForce = config.inForce;
  const adminToken = env['FIREBREAK_ADMIN_TOKEN'] ? 'set' : 'generated';
  const notes = [
    ...(await afterRestore(dataDir, platform.store)),
    ...config.notes,
    ...(await exampleNotes(folders)),
    ...(await provideCredentials(dataDir, env, process.stdout.isTTY)),
  ];
  const named = namedCredentials(inForce()?.services ?? {});
  delete env['FIREBREAK_STAND_INS']; // valid only for this start
  sandbox?.connect(env, named);
  notes.push(...vendorLines(env, sandbox !== undefined, named));
  const faulty = await faultySigningSecrets(inForce(), async (name) => namedVariable(env, name));
  notes.push(...faulty.map(({ detail }) => detail));

  const productSettings = {
    stage: STAGE,
    timeScale,
    standIns: (env['FIREBREAK_STAND_INS'] ?? '').split(' '),
    publicUrl: env['FIREBREAK_PUBLIC_URL'] || ownAddress(settings),
    runsOn: true,
    isOnlyInstance: true,
  };
  // Not sooner: on a machine of few cores, it would delay what the first response needs.
  const background = createBackground({ beats: stalls.beats, logSettings: settings.log, onDamage });
  running.background = background;
  opened.onClose(() => background.close());
  // While the disk is full, nothing runs in the background, and no alerts are accepted that a report could delay.
  const here = computeHere(() => product);
  const compute: Compute = (report) => (platform.late === undefined ? background.compute(report) : here(report));
  const product: Product = assemble({ platform, settings: productSettings, clock, log, compute });
  running.product = product;
  await quarantineStalled(product.quarantine);
  const runBackground = async () => {
    await product.intake
      .beat({ started: true })
      .catch((error: unknown) => log.error('no beat was stored', { error: String(error) }));
    background.run({
      writer: platform.share(),
      platform: { dataDir, snapshotDir: settings.snapshotDir, timeScale },
      product: productSettings,
      refused: refusedInputs(),
      secretNames: namedSecrets(inForce()),
      sandboxSettings: sandbox?.settingsElsewhere,
    });
  };
  if (platform.late === undefined) await runBackground();
  else {
    notes.push(`The disk of ${dataDir} is full: alerts are refused until there is room (docs/how-to/backup.md)`);
    log.error('the disk is full: alerts are refused, and nothing continues until there is room', { folder: dataDir });
    void platform.late.then(async () => {
      if (opened.isClosing) return;
      log.info('there is room on the disk again');
      await runBackground();
    });
  }

  // After the front has closed, and before the stores that it writes to close.
  opened.onClose(() => flushCounts(product));
  const sandboxServer = sandbox?.serve({
    adminToken: env['FIREBREAK_ADMIN_TOKEN'] ?? '',
    real: () => realSystems(env, inForce()),
  });
  const front = opened.add(
    await serveFront({
      host: settings.host,
      port: settings.port,
      maxConnections: settings.maxConnections,
      trustedProxies: settings.trustedProxies,
      ...appsOf(product, { platform, clock, log }),
      sandbox: sandboxServer?.fetch,
      adminToken: env['FIREBREAK_ADMIN_TOKEN'] ?? '',
      refused: (path) => (receivesAlerts(path) ? product.intake.refused() : undefined),
      metrics: () => lastBackupMetric(dataDir) + stalls.metrics() + background.metrics(),
      machine: () => machineState(settings, env, adminToken),
    }),
  );
  const listening = ownAddress({ ...settings, port: Number(new URL(front.url).port) });
  if (listening !== undefined) await lock.recordAddress(listening);
  await sandbox?.start(env, front.url);
  // As for new tokens: output that is not a terminal may be a log that others read.
  notes.push(`console  ${front.url}${process.stdout.isTTY ? await loginLink(product) : '/console'}`);
  if (sandboxServer) notes.push(`sandbox  ${sandboxServer.pageAt(front.url)}`);
  stalls.notify('READY=1');
  const stop = () => {
    stalls.notify('STOPPING=1');
    return opened.close();
  };
  return { url: front.url, notes, stop, failed: Promise.race([platform.failed, background.failed]) };
}

/** Returns the path of a link that signs in. It loads the console, which other starts load with its first page. */
async function loginLink(product: Product): Promise<string> {
  const { createLoginLink } = await import('../entrances/console/login.ts');
  return createLoginLink(product);
}

/** Returns how systemd wants to be notified. */
const systemdOf = (env: Env): Systemd => ({
  PATH: namedVariable(env, 'PATH'),
  NOTIFY_SOCKET: namedVariable(env, 'NOTIFY_SOCKET'),
  WATCHDOG_USEC: namedVariable(env, 'WATCHDOG_USEC'),
  WATCHDOG_PID: namedVariable(env, 'WATCHDOG_PID'),
});

/** Returns the address of this machine for links. Undefined: the system selects the port, so it is not known yet. */
function ownAddress({ host, port }: Pick<Settings, 'host' | 'port'>): string | undefined {
  if (port === 0) return undefined;
  const isAny = host === '0.0.0.0' || host === '::';
  return `http://${isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Tells that the catalogue in force is not the one in the folder. */
async function exampleNotes({ configDir, inPlaceOfExample: own }: ConfigFolders): Promise<string[]> {
  const isReplaced = own !== undefined && (await catalogueFile(configDir, own)) === own;
  return isReplaced
    ? [`config: ${configDir}/services.yaml is the unchanged example, so the sandbox uses its own: ${own}`]
    : [];
}

type ConfigInForce = { inForce: () => Config | undefined; notes: string[]; stop: () => void };

type ReadConfig = { files: string; first: LoadedSet };

async function readConfig(folders: ConfigFolders): Promise<ReadConfig> {
  const files = await fingerprint(folders); // before they are read: a change meanwhile is found
  return { files, first: await loadSet(folders) };
}

/**
 * Publishes the configuration to where the functions read it, and watches the files. If a new one is invalid, the last
 * valid one stays in force.
 *
 * @param prepare run with each valid configuration before it comes into force
 * @throws BadConfig if it is invalid and there was never a valid one
 */
async function publishAndWatchConfig(
  folders: ConfigFolders,
  { files, first }: ReadConfig,
  blobs: Blobs,
  log: Log,
  prepare: (config: Config) => Promise<void>,
): Promise<ConfigInForce> {
  const lastValid = await published(blobs);
  if (!first.ok && lastValid === undefined) throw new BadConfig(first.problems.join('\n'));
  if (first.ok) await prepare(first.config);
  const unpublished = await publish(blobs, first, timestamp(Date.now())).then(
    () => undefined,
    (error: unknown) => {
      if (lastValid === undefined) throw error;
      return `config: it could not be published (${String(error)}). The last published one stays in force until it can be`;
    },
  );
  let inForce = first.ok && unpublished === undefined ? first.config : lastValid?.config;
  const watch = watchConfig(
    folders,
    async (loaded) => {
      if (loaded.ok) await prepare(loaded.config);
      await publish(blobs, loaded, timestamp(Date.now()));
      if (loaded.ok) {
        inForce = loaded.config;
        log.info('configuration reloaded', { version: loaded.config.version });
      } else {
        log.error('configuration is invalid; the last valid one stays in force', { problems: loaded.problems });
      }
    },
    (error) => log.error('cannot check the configuration files for changes', { error: String(error) }),
    unpublished === undefined ? files : NOTHING_APPLIED,
  );
  const notes =
    unpublished !== undefined
      ? [unpublished]
      : first.ok
        ? []
        : [`config: ${first.problems.join('; ')}. The last valid configuration stays in force`];
  return { inForce: () => inForce, notes, stop: watch.stop };
}

/** Databases of versions before the first release. */
const EARLIER = ['dynamodb.sqlite', 'sqs.sqlite', 'durable.sqlite'];

/**
 * @throws Error if a restore was interrupted there, if a version from before the first release has written it, or if its
 *   database is empty although it was used before: credentials are stored there only after the database
 */
export function checkDataFolder(dataDir: string): void {
  if (existsSync(join(dataDir, RESTORE_FOLDER)))
    throw new Error(`a restore into ${dataDir} was interrupted: run firebreak restore again`);
  const database = join(dataDir, DATABASE_FILE);
  const used = CREDENTIAL_FILES.find((name) => existsSync(join(dataDir, name)));
  if (used !== undefined && statSync(database, { throwIfNoEntry: false })?.size === 0)
    throw new Error(
      `${database} is empty, but ${used} beside it shows that the folder was used before: restore a backup (docs/how-to/backup.md), or delete ${DATABASE_FILE} to start without data`,
    );
  const earlier = EARLIER.find((name) => existsSync(join(dataDir, name)));
  if (earlier !== undefined)
    throw new Error(
      `${dataDir} contains ${earlier} of a version from before the first release, which this version cannot read: move the folder away, or set FIREBREAK_DATA_DIR to another one`,
    );
}
