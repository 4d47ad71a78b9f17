import type { Severity } from '../../schemas/names.ts';
import type { IncidentRole } from '../../schemas/response-roles.ts';
import type { NamedIncident } from './reference.ts';

/** What a command asks for. `null`: it was not said, and a modal asks for it or a default holds. */
export type Wanted =
  | { act: 'declare'; title: string | null }
  | { act: 'list' }
  | { act: 'status' }
  | { act: 'roles' }
  | { act: 'acknowledge' }
  | { act: 'severity'; severity: Severity | null }
  | { act: 'take'; role: IncidentRole }
  /** `role` null: all that they have. */
  | { act: 'leave'; role: IncidentRole | null }
  /** `called`: what follows an `@` that mentions nobody, and begins with a name. */
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
      /** Services, or teams, as they were written: `team:payments` is surely a team. None: all of the environment. */
      targets: string[];
      environment: string | null;
      /** Null: until it is lifted. */
      seconds: number | null;
      reason: string | null;
    }
  /** `freeze`: an id, or the service that it holds. */
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

/** Environment null: the only one, or what the service's default is. */
type WantedPlace = { service: string; environment: string | null };

export type Parsed =
  | {
      kind: 'wanted';
      wanted: Wanted;
      /** Which incident it is about. Null: the one in whose channel it was typed, or none. */
      incident: NamedIncident | null;
      /** As it would be typed again, without the name of an incident. */
      typed: { verb: string; rest: string };
    }
  | { kind: 'help'; of: CommandName }
  /** `nearest`: what was probably meant, as it would be typed. */
  | { kind: 'usage'; because: string; nearest: string | null; of: CommandName | null };

export const COMMANDS = ['incident', 'rollback', 'freeze', 'deploys', 'firebreak'] as const;
export type CommandName = (typeof COMMANDS)[number];

/** What is known of a service's environments: tells `production` from a version. Undefined: the service is not known. */
export type EnvironmentsOf = (service: string) => readonly string[] | undefined;

/** One form of a command. `usage` and `says` are what help shows. */
export type Form = {
  verb: string;
  /** Other words for it. */
  also?: readonly string[];
  usage: string;
  says: string;
  /** Arguments that may be given as `name=value`. */
  named?: readonly string[];
  /** It is about an incident, which may be named as the first word. */
  ofIncident?: true;
  read(given: Given): Wanted | Wrong;
};

/** What follows the verb. */
export type Given = {
  words: readonly string[];
  named: ReadonlyMap<string, string>;
  /** The name of the `name=value` that it begins with. Null: it begins with a word. */
  begins: string | null;
  /** All from this word on, and before that one, as a person would read it; null: nothing. */
  from(index: number, before?: number): string | null;
  environmentsOf: EnvironmentsOf;
};

/** `instead`: arguments with which it would have been right. Null: nobody knows; absent: as the usage says. */
export type Wrong = { wrong: string; instead?: string | null };

export const isWrong = (read: Wanted | Wrong): read is Wrong => 'wrong' in read;
