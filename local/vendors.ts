import {
  type NamedCredentials,
  namedCredentials,
  standInsAt,
  type VendorState,
  vendorStates,
} from '../core/domain/catalogue/vendors.ts';
import { realSystemsOf } from '../core/domain/catalogue/real-systems.ts';
import type { Config } from '../schemas/config/config.ts';
import { type Env, namedVariable } from '../schemas/config/variables.ts';

/** Returns the lines to print at the start: how each vendor is connected, and which of their requests are refused. */
export function vendorLines(env: Env, hasSandbox: boolean, named: NamedCredentials = {}): string[] {
  const standIns = standInsOf(env);
  const states = vendorStates((name) => namedVariable(env, name), standIns.at, named);
  const line = ({ name, mode, address, credentials, missing }: VendorState): string =>
    `${name.padEnd(21)} ${mode.padEnd(9)} ${
      missing ?? [address, ...(mode === 'real' && credentials.length > 0 ? [credentials.join(', ')] : [])].join(', ')
    }`.trimEnd();
  return [
    ...states.map((state) =>
      state.name === 'Prometheus' && state.mode === 'off' ? line(state) + prometheusNote(hasSandbox) : line(state),
    ),
    ...(states.some(({ name, mode }) => name === 'PagerDuty pages' && mode === 'stand-in')
      ? ['Pages go to the sandbox and notify nobody. To page people, set PAGERDUTY_ROUTING_KEY']
      : []),
    ...(env['PAGERDUTY_WEBHOOK_SECRET']
      ? []
      : ['Webhooks from PagerDuty are refused: PAGERDUTY_WEBHOOK_SECRET is not set']),
    ...(env['SLACK_SIGNING_SECRET']
      ? []
      : ['Commands and buttons from Slack are refused: SLACK_SIGNING_SECRET is not set']),
    ...(env['GRAFANA_WEBHOOK_SECRET']
      ? []
      : [
          'Grafana signatures are not checked: GRAFANA_WEBHOOK_SECRET is not set, so its contact point must send a token',
        ]),
  ];
}

const standInsOf = (env: Env) => standInsAt((env['FIREBREAK_STAND_INS'] ?? '').split(' '));

/** Returns the real systems, not stand-ins, that Firebreak writes to with the current settings and configuration. */
export function realSystems(env: Env, config: Config | undefined): string[] {
  if (config === undefined) return [];
  const standIns = standInsOf(env);
  const vendors = vendorStates((name) => namedVariable(env, name), standIns.at, namedCredentials(config.services));
  return realSystemsOf({ config, vendors, standIns });
}

function prometheusNote(hasSandbox: boolean): string {
  const off = '; verification uses only alerts';
  return hasSandbox ? `${off}. PUT /sandbox/prometheus/series adds samples to the sandbox and connects it` : off;
}
