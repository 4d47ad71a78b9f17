import * as z from 'zod';

/** Of services, environments and versions; UTF-16 units. */
export const NAME_MAX_CHARS = 256;

const Name = z
  .string()
  .min(1)
  .max(NAME_MAX_CHARS)
  .refine((name) => name.isWellFormed(), 'half a surrogate pair is no character');

/** A service of the catalogue, or what an alert's label calls it. Any text: Prometheus labels may hold any UTF-8. */
export const ServiceName = Name.brand<'ServiceName'>();
export type ServiceName = z.infer<typeof ServiceName>;

export const EnvironmentName = Name.brand<'EnvironmentName'>();
export type EnvironmentName = z.infer<typeof EnvironmentName>;

export const Version = Name.brand<'Version'>();
export type Version = z.infer<typeof Version>;

/** Sorts by the time at which the incident opened (a ULID). Legal in execution names and in URLs. */
export const IncidentId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'an incident id has 26 characters of Crockford base 32')
  .brand<'IncidentId'>();
export type IncidentId = z.infer<typeof IncidentId>;

export const ChangeId = z
  .string()
  .regex(/^chg_[0-9a-f]{26}$/, 'a deployment id looks like chg_ and 26 hexadecimal digits')
  .brand<'ChangeId'>();
export type ChangeId = z.infer<typeof ChangeId>;

/** Alerts that match no entry of the catalogue are kept under this service: paged by severity, never acted upon. */
export const UNMATCHED = 'unmatched' as ServiceName;

export const Severity = z.enum(['critical', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

/** Whether something is as severe as `from`, or more. */
export const isFrom = (from: Severity, severity: Severity): boolean =>
  Severity.options.indexOf(severity) <= Severity.options.indexOf(from);

/** From asking nothing to acting alone; a lower one always wins over a higher one. */
export const Mode = z.enum(['shadow', 'suggest', 'approve', 'act']);
export type Mode = z.infer<typeof Mode>;

export const lowestMode = (...modes: readonly Mode[]): Mode =>
  Mode.options[Math.min(...modes.map((mode) => Mode.options.indexOf(mode)))] ?? 'shadow';
