import * as z from 'zod';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../names.ts';

/** Slack's limits for `action_id` and `value` of a button. */
const VALUE_MAX_CHARS = 2000;

const ofIncident = <V extends string>(...verbs: [V, ...V[]]) => z.object({ verb: z.enum(verbs), incident: IncidentId });

/**
 * What a button of ours means when it is pressed. It names all that it was about when it was drawn, so that one which is
 * old is known to be old, and pressing it twice is known to be the same.
 */
export const Button = z.discriminatedUnion('verb', [
  z.object({ verb: z.enum(['approve', 'reject']), incident: IncidentId, digest: z.string().min(1).max(128) }),
  ofIncident('acknowledge', 'take_command', 'pause', 'resume', 'resolve', 'publish', 'severity'),
  /** The suspect was not the cause; or it may be after all. */
  z.object({
    verb: z.enum(['not_the_deploy', 'suspect_again']),
    incident: IncidentId,
    change: z.string().min(1).max(64),
  }),
  z.object({
    verb: z.literal('rollback'),
    service: ServiceName,
    environment: EnvironmentName,
    /** What ran when the button was drawn. */
    from: Version,
    /** Null: what automation would choose. */
    to: Version.nullable(),
    /** A person has named `to`. Absent: automation would choose it. */
    named: z.literal(true).optional(),
  }),
  z.object({ verb: z.literal('lift_freeze'), freeze: z.string().min(1).max(128) }),
  /** The yes of a second person. */
  z.object({
    verb: z.literal('approve_override'),
    freeze: z.string().min(1).max(128),
    override: z.string().min(1).max(128),
  }),
]);
export type Button = z.infer<typeof Button>;

/** All ids of our elements begin so; what does not is another app's, or of a message of an older version. */
const PREFIX = 'firebreak:';

/** Whether an element is one of ours, of whatever version. */
export const isOurs = (actionId: string): boolean => actionId.startsWith(PREFIX);

/** @returns how Slack is told: both come back when the button is pressed */
export const buttonIds = (button: Button): { action_id: string; value: string } => ({
  action_id: `${PREFIX}${button.verb}`,
  value: JSON.stringify(button),
});

/** Undefined: it is none of ours, or of a version that meant something else by it. */
export function readButton(actionId: string, value: string | undefined): Button | undefined {
  if (!isOurs(actionId) || value === undefined || value.length > VALUE_MAX_CHARS) return undefined;
  try {
    const read = Button.safeParse(JSON.parse(value));
    return read.success && actionId === `${PREFIX}${read.data.verb}` ? read.data : undefined;
  } catch {
    return undefined;
  }
}
