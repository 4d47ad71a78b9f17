import type { NamedCredentials } from '../core/domain/catalogue/vendors.ts';
import type { Config } from '../schemas/config/config.ts';
import type { Env } from '../schemas/config/variables.ts';

/**
 * Stand-ins for vendors that have no settings. `npm start` runs the product with a sandbox
 * (`packages/sandbox/main.ts`); the product alone (`main.ts`) has none.
 */
export type Sandbox = {
  /**
   * Returns the file of its own catalogue, in which automation acts on a stand-in. It is read in place of the unchanged
   * example. Undefined: the CD system is real.
   */
  catalogue(env: Env): string | undefined;
  /**
   * Adds the settings of a stand-in for each vendor that has none, and lists all stand-ins in `FIREBREAK_STAND_INS`.
   *
   * @param named credentials that the catalogue names: a vendor with one of these set is real
   */
  connect(env: Env, named: NamedCredentials): void;
  settings: SandboxSettings;
  /** Where another thread finds the same settings. */
  settingsElsewhere: SettingsElsewhere;
  /** Prepares the stand-ins for a configuration, before it comes into force. */
  prepare(config: Config): Promise<void>;
  /** Serves what is below `/sandbox`. */
  serve(options: SandboxAccess): SandboxServer;
  /** Gives the stand-ins the product, once it listens. From then on, it gets what people do at a vendor. */
  start(env: Env, url: string): Promise<void>;
  close(): Promise<void>;
};

/** Settings that can appear while the product runs. */
export type SandboxSettings = {
  /** Undefined: the environment has it. */
  get(name: string, env: Env): string | undefined;
};

/** The URL of a module that exports `OpenSettings` as `openSettings`, and the argument, which can be sent to a thread. */
export type SettingsElsewhere = { module: string; argument: unknown };

export type OpenSettings<Argument = unknown> = (argument: Argument) => SandboxSettings & { close(): void };

export type SandboxAccess = {
  adminToken: string;
  /** Returns the real systems that Firebreak currently writes to: with any, actions need a key. */
  real(): string[];
};

export type SandboxServer = {
  /** Returns the address of the sandbox page, with the permission to act in it. */
  pageAt(url: string): string;
  fetch(request: Request): Response | Promise<Response>;
};

export type StartSandbox = (options: { dir: string; timeScale: number }) => Promise<Sandbox>;
