import type { PersonId } from '../schemas/people.ts';
import type { Told } from './outlets.ts';

/** Somebody who is on call now, as the pager knows them and, where they are listed, as we do. */
export type OnCallPerson = {
  /** The id of the user at the pager. */
  pagerduty: string;
  name: string;
  email: string | null;
  /** 1 is called first. */
  level: number;
  /** In people.yaml; null: not listed there. */
  person: PersonId | null;
  /** The id of the user in Slack, where people.yaml has it. */
  slack: string | null;
};

/** Who is on call, as the pager knows. One attempt per call; what it says is at most a minute old. */
export type OnCall = {
  /** Those of a team, whoever is called first first. Empty: nobody. Off: people.yaml names no rota of the team. */
  now(team: string): Promise<Told<OnCallPerson[]>>;
  /** The address of a user. Null: there is none of this id. */
  email(user: string): Promise<Told<string | null>>;
};
