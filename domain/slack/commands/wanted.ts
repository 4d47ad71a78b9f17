import type { Severity } from '../../../schemas/config/names.ts';
import type { IncidentRole } from '../../../schemas/people/response-roles.ts';
import type { NamedIncident } from './reference.ts';

/** Parsed request of a command. `null`: not specified; a modal asks for it, or a default applies. */
export type CommandRequest =
  | { act: 'declare'; title: string | null }
  | { act: 'list' }
  | { act: 'status' }
  | { act: 'roles' }
  | { act: 'acknowledge' }
  | { act: 'severity'; severity: Severity | null }
  | { act: 'take'; role: IncidentRole }
  /** `role` null: all roles of the user. */
  | { act: 'leave'; role: IncidentRole | null }
  /** `called`: text after an `@` that is not a mention; it starts with a name. */
  | { act: 'assign'; role: IncidentRole; user: string | null; called?: string }
  | { act: 'handover'; user: string | null; called?: string; brief: string | null }
  | { act: 'update'; text: string | null }
  | { act: 'note'; text: string }
  | { act: 'resolve'; note: string | null }
  | ({ act: 'rollback' } & WantedPlace & { version: string | null })
  | ({ act: 'deploys' } & WantedPlace)
  | { act: 'freeze_status'; service: string | null }
  | {
      act: 'freeze_open';
      /** Services or teams as written: `team:payments` is always a team. Empty: the entire environment. */
      targets: string[];
      environment: string | null;
      /** Null: until lifted. */
      seconds: number | null;
      reason: string | null;
    }
  /** `freeze`: the ID of a freeze, or the service that it covers. */
  | { act: 'freeze_lift'; freeze: string; reason: string }
  | {
      act: 'freeze_override';
      freeze: string | null;
      reason: string | null;
      uses: number | null;
      seconds: number | null;
      version: string | null;
    }
  | { act: 'pause'; reason: string | null }
  | { act: 'resume'; reason: string | null }
  | { act: 'firebreak_status' };

/** Environment null: the only environment, or the service's default. */
type WantedPlace = { service: string; environment: string | null };

export type Parsed =
  | {
      kind: 'wanted';
      wanted: CommandRequest;
      /** The incident that the command refers to. Null: the one of the channel in which it was typed, or none. */
      incident: NamedIncident | null;
      /** The command without the incident reference, as it would be typed. */
      typed: { verb: string; rest: string };
    }
  | { kind: 'help'; of: CommandName }
  /** `nearest`: the command that was probably meant, as it would be typed. */
  | { kind: 'usage'; because: string; nearest: string | null; of: CommandName | null };

export const COMMANDS = ['incident', 'rollback', 'freeze', 'deploys', 'firebreak'] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Returns the environments of a service, which distinguish `production` from a version. Undefined: unknown service. */
export type EnvironmentsOf = (service: string) => readonly string[] | undefined;

/** One form of a command. `usage` and `says` appear in the help text. */
export type Form = {
  verb: string;
  /** Aliases. */
  also?: readonly string[];
  usage: string;
  says: string;
  /** Arguments that can be given as `name=value`. */
  named?: readonly string[];
  /** The form refers to an incident, which can be named by the first word. */
  ofIncident?: true;
  read(given: Given): CommandRequest | Wrong;
};

/** Arguments after the subcommand. */
export type Given = {
  words: readonly string[];
  named: ReadonlyMap<string, string>;
  /** Name of the `name=value` argument at the start. Null: the arguments start with a word. */
  begins: string | null;
  /** Returns the plain text from one word to another; null: nothing. */
  from(index: number, before?: number): string | null;
  environmentsOf: EnvironmentsOf;
};

/** `instead`: valid arguments to suggest. Null: none known; absent: as in the usage. */
export type Wrong = { wrong: string; instead?: string | null };

export const isWrong = (read: CommandRequest | Wrong): read is Wrong => 'wrong' in read;
