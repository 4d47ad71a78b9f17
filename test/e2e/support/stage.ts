import { Firebreak, type FirebreakOptions, INGEST_TOKEN } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import {
  type AlertmanagerOptions,
  exampleRules,
  type PrometheusOptions,
  type Running,
  startAlertmanager,
  startPrometheus,
} from '../../support/prometheus-stack.ts';
import { CD_TOKEN, CdServer } from './cd-server.ts';
import { Relay } from './relay.ts';
import { ToyService } from './toy-service.ts';

/**
 * The 15 minutes before a rollback is verified take 9 seconds, and the workflow's periodic check every 10 minutes takes
 * 6 seconds. Prometheus and Alertmanager are in real time.
 */
export const TIME_SCALE = 100;

/** One service for each name. */
type Toys<Names extends readonly string[]> = { [Index in keyof Names]: ToyService };

/** All parts of a story. Stopped in reverse order of their start. */
export class Stage {
  readonly #stops: (() => Promise<void>)[] = [];

  async toyServices<const Names extends readonly string[]>(...names: Names): Promise<Toys<Names>> {
    const services = await Promise.all(names.map((name) => ToyService.start(name)));
    this.#stops.push(...services.map((service) => () => service.stop()));
    return services as Toys<Names>;
  }

  /** Starts a CD system that runs these services. */
  async cd(services: readonly ToyService[]): Promise<CdServer> {
    const cd = await CdServer.start(services);
    this.#stops.push(() => cd.stop());
    return cd;
  }

  /** Starts a Firebreak with the sandbox's pager, and with the token of the CD system. */
  async firebreak({ env, ...options }: FirebreakOptions): Promise<Firebreak> {
    const firebreak = await Firebreak.start({ timeScale: TIME_SCALE, env: { CD_TOKEN, ...env }, ...options });
    this.#stops.push(() => firebreak.remove());
    return firebreak;
  }

  /** Starts a relay in front of a Firebreak. It stays connected if Firebreak is started again at the same address. */
  async relay(target: string): Promise<Relay> {
    const relay = await Relay.start(target);
    this.#stops.push(() => relay.stop());
    return relay;
  }

  /** Starts an Alertmanager with Firebreak's ingest token in a file, as in the examples. */
  async alertmanager(options: Omit<AlertmanagerOptions, 'port'> & { port?: number }): Promise<Running> {
    const files = { 'firebreak-token': INGEST_TOKEN, ...options.files };
    const alertmanager = await startAlertmanager({ port: await freePort(), ...options, files });
    this.#stops.push(alertmanager.stop);
    return alertmanager;
  }

  /**
   * Starts a Prometheus that monitors these services with the example's rules, and sends alerts to all of these
   * Alertmanagers.
   */
  async prometheus(
    services: readonly ToyService[],
    alertmanagers: readonly Running[],
    more: Partial<Pick<PrometheusOptions, 'relabel' | 'rules' | 'port' | 'history'>> = {},
  ): Promise<Running> {
    const prometheus = await startPrometheus({
      port: await freePort(),
      targets: services.map(({ target }) => target),
      alertmanagers: alertmanagers.map(({ url }) => url),
      rules: await exampleRules(),
      ...more,
    });
    this.#stops.push(prometheus.stop);
    return prometheus;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
  }
}
