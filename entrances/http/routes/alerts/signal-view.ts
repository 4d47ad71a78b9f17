import * as z from 'zod';
import type { NamingConfig } from '../../../../core/domain/catalogue/known-names.ts';
import { serviceEnvironmentOf } from '../../../../core/domain/alerts/signal.ts';
import type { SignalView } from '../../../../core/domain/ports/alerts.ts';
import { Signal } from '../../../../schemas/alerts/signal.ts';
import { EnvironmentName, ServiceName, UNMATCHED } from '../../../../schemas/config/names.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';

/** An alert as the API shows it. Labels are pairs, because `__proto__` is a valid label name. */
export const ShownSignal = Signal.omit({
  startsAt: true,
  endsAt: true,
  requestsRollback: true,
  monitoringFailure: true,
  episodic: true,
  groupKey: true,
  leftOut: true,
  lastSeenAt: true,
  returned: true,
})
  .extend({
    starts_at: Timestamp,
    status: z.enum(['firing', 'resolved', 'last_seen']).meta({
      description: '`last_seen`: not repeated for a day, and no end was reported',
    }),
    ends_at: Timestamp.nullable(),
    last_seen_at: Timestamp.nullable().meta({ description: 'Only for `last_seen`' }),
    first_seen_at: Timestamp,
    requests_rollback: z.boolean(),
    monitoring_failure: z.boolean(),
    belongs_to: z.object({ service: ServiceName, environment: EnvironmentName }).nullable().meta({
      description:
        'For the service `unmatched`: where an alert with these labels belongs by the present catalogue. Null: nowhere',
    }),
  })
  .meta({ id: 'Signal' });

/** Returns an alert in the format of the API. */
export function shownSignal(signal: SignalView, config: NamingConfig): z.infer<typeof ShownSignal> {
  const present = signal.service === UNMATCHED ? serviceEnvironmentOf(new Map(signal.labels), config) : undefined;
  const {
    startsAt,
    endsAt,
    requestsRollback,
    monitoringFailure,
    episodic: _,
    groupKey: __,
    leftOut: ___,
    lastSeenAt,
    returned: ____,
    mute: _____,
    ...rest
  } = signal;
  return {
    ...rest,
    status: lastSeenAt === undefined ? signal.status : 'last_seen',
    last_seen_at: lastSeenAt ?? null,
    starts_at: startsAt,
    ends_at: endsAt,
    requests_rollback: requestsRollback,
    monitoring_failure: monitoringFailure,
    belongs_to: present?.unmatched === null ? { service: present.service, environment: present.environment } : null,
  };
}

/** Returns the value with every key in `snake_case`, the convention of the API. */
export function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snake(key), snakeCased(inner)]));
}

const snake = (key: string): string => key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
