import { Slo, type SloWindow } from '../../schemas/slo/slo.ts';

export const rolling = (days: number): SloWindow => ({ kind: 'rolling', seconds: days * 86_400 });

const RATIO = { kind: 'ratio', counter: false, of: 'bad', numerator: 'bad', total: 'all' };

/** Builds an objective of 99.9 % of events in 28 days by default. */
export const objective = (more: object = {}): Slo =>
  Slo.parse({
    id: 'checkout-availability',
    displayName: 'Checkout',
    description: '',
    service: 'checkout',
    environment: 'production',
    target: 0.999,
    window: rolling(28),
    budgeting: { kind: 'occurrences' },
    indicator: RATIO,
    ...more,
  });
