import * as z from 'zod';

/** Limit for names of services, environments, and versions, in UTF-16 units. */
export const NAME_MAX_CHARS = 256;

const Name = z
  .string()
  .min(1)
  .max(NAME_MAX_CHARS)
  .refine((name) => name.isWellFormed(), 'must not contain unpaired surrogates');

/** A service of the catalogue, or the name in an alert's label. Any text: Prometheus labels can contain any UTF-8. */
export const ServiceName = Name.brand<'ServiceName'>();
export type ServiceName = z.infer<typeof ServiceName>;

export const EnvironmentName = Name.brand<'EnvironmentName'>();
export type EnvironmentName = z.infer<typeof EnvironmentName>;

export const Version = Name.brand<'Version'>();
export type Version = z.infer<typeof Version>;

/** A ULID, which sorts by the time at which the incident opened. Valid in execution names and URLs. */
export const IncidentId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be an incident id: 26 characters of Crockford base 32')
  .brand<'IncidentId'>();
export type IncidentId = z.infer<typeof IncidentId>;

/** ID of any change, such as a deploy, flag, or migration. The API calls all of them deployments. */
export const ChangeId = z
  .string()
  .regex(/^chg_[0-9a-f]{26}$/, 'must be a deployment id: chg_ and 26 hexadecimal digits')
  .brand<'ChangeId'>();
export type ChangeId = z.infer<typeof ChangeId>;

/** Service of alerts that match no entry of the catalogue: they page by severity, and automation never acts on them. */
export const UNMATCHED = 'unmatched' as ServiceName;

export const Severity = z.enum(['critical', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

/** Returns whether a severity is at least `minimum`. */
export const isAtLeast = (minimum: Severity, severity: Severity): boolean =>
  Severity.options.indexOf(severity) <= Severity.options.indexOf(minimum);

/** From no action to automatic action; the lowest mode that applies is in force. */
export const Mode = z.enum(['shadow', 'suggest', 'approve', 'act']);
export type Mode = z.infer<typeof Mode>;

export const lowestMode = (...modes: readonly Mode[]): Mode =>
  Mode.options[Math.min(...modes.map((mode) => Mode.options.indexOf(mode)))] ?? 'shadow';
