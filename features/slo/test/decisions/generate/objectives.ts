import { Slo } from '../../../../../schemas/slo/slo.ts';

/** Builds an objective of 99.9 % over 28 days with the given indicator and settings. */
export const objective = (id: string, indicator: unknown, rest: Record<string, unknown> = {}): Slo =>
  Slo.parse({
    id,
    displayName: id,
    description: '',
    service: 'checkout',
    environment: 'production',
    target: 0.999,
    window: { kind: 'rolling', seconds: 28 * 24 * 3600 },
    budgeting: { kind: 'occurrences' },
    indicator,
    ...rest,
  });

export const badOfAll = {
  kind: 'ratio',
  counter: true,
  of: 'bad',
  numerator: 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[{{.window}}]))',
  total: 'sum(rate(http_requests_total{service="checkout"}[{{.window}}]))',
};

export const goodOfAll = {
  kind: 'ratio',
  counter: true,
  of: 'good',
  numerator: 'rpc_total{outcome="ok"}',
  total: 'rpc_total',
};

export const slow = { kind: 'threshold', query: 'request_p99_seconds', op: 'lte', value: 0.3 };
