import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';

export type Page<T> = { items: T[]; next_cursor: string | null };

export type ServiceEnvironment = { service: ServiceName; environment: EnvironmentName };

/** Result of one external call. `taken`: accepted. `later`: try again. `off`: not configured. */
export type Attempt =
  | { kind: 'taken'; detail: string }
  | { kind: 'later'; detail: string; afterSeconds: number | null }
  | { kind: 'refused'; detail: string }
  | { kind: 'off'; detail: string };
