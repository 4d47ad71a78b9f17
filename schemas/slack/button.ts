import * as z from 'zod';
import { FEATURE_BUTTONS } from '../../features/names.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../config/names.ts';
import { parseJson } from '../parsing/json.ts';

/** Slack's limit for the `value` of a button, in characters. */
const VALUE_MAX_CHARS = 2000;

const ofIncident = <V extends string>(...verbs: [V, ...V[]]) => z.object({ verb: z.enum(verbs), incident: IncidentId });

/**
 * Action of a button. It contains everything that it refers to, so that outdated buttons and repeated presses are
 * recognized.
 */
export const Button = z.discriminatedUnion('verb', [
  z.object({
    verb: z.enum(['approve', 'reject', 'test_versions']),
    incident: IncidentId,
    digest: z.string().min(1).max(128),
  }),
  ofIncident('acknowledge', 'take_command', 'pause', 'resume', 'resolve', 'reopen', 'publish', 'severity', 'details'),
  /** Clears a suspect, or suspects it again. */
  z.object({
    verb: z.enum(['not_the_deploy', 'suspect_again']),
    incident: IncidentId,
    change: z.string().min(1).max(64),
  }),
  /** Turns a feature flag on again that Firebreak has turned off. */
  z.object({ verb: z.literal('turn_flag_on'), incident: IncidentId, flag: z.string().min(1).max(256) }),
  z.object({
    verb: z.literal('rollback'),
    service: ServiceName,
    environment: EnvironmentName,
    /** Running version when the button was created. */
    from: Version,
    /** Null: the version that automation would choose. */
    to: Version.nullable(),
    /** Set if a person named `to`. Absent: automation chose it. */
    named: z.literal(true).optional(),
    /** Its confirmation says that the name of `to` means another commit now. */
    moved_known: z.literal(true).optional(),
  }),
  ...FEATURE_BUTTONS,
]);
export type Button = z.infer<typeof Button>;

/** Prefix of the IDs of all Firebreak elements. */
const PREFIX = 'firebreak:';

/** Returns whether an element belongs to Firebreak, in any version. */
export const isFirebreakAction = (actionId: string): boolean => actionId.startsWith(PREFIX);

/** Returns the IDs of a button, which Slack sends back when it is pressed. */
export const buttonIds = (button: Button): { action_id: string; value: string } => ({
  action_id: `${PREFIX}${button.verb}`,
  value: JSON.stringify(button),
});

/** Parses the IDs of a button. Undefined: it belongs to another app, or to an incompatible version. */
export function readButton(actionId: string, value: string | undefined): Button | undefined {
  if (!isFirebreakAction(actionId) || value === undefined || value.length > VALUE_MAX_CHARS) return undefined;
  const button = Button.safeParse(parseJson(value)).data;
  return button !== undefined && actionId === `${PREFIX}${button.verb}` ? button : undefined;
}
