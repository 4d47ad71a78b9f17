import { createHash } from 'node:crypto';

/** A PagerDuty user. */
export type User = { id: string; name: string; email: string };

/** The last user of every escalation policy. */
export const ON_CALL: User = { id: 'PONCALL', name: 'Sandbox On-Call', email: 'on-call@example.com' };

const ADA: User = { id: 'PADA001', name: 'Ada Park', email: 'ada@example.com' };
const GRACE: User = { id: 'PGRACE1', name: 'Grace Moreau', email: 'grace@example.com' };
const BOB: User = { id: 'PBOB001', name: 'Bob Tanaka', email: 'bob@example.com' };

/** The users. They are also members of the sandbox's Slack workspace. */
const USERS: readonly User[] = [ON_CALL, ADA, GRACE, BOB];

/**
 * The users on call, by escalation level from 1, for every policy and every schedule. All names of policies and
 * schedules exist.
 */
export const ON_CALL_BY_LEVEL: readonly User[] = [ADA, GRACE];

export const userById = (id: string): User | undefined => USERS.find((user) => user.id === id);

/** Returns the user with this full name. An unknown name gives a generated user. */
export function userNamed(name: string): User {
  const known = USERS.find((user) => user.name === name);
  if (known) return known;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 7).toUpperCase();
  return { id: `P${hash}`, name, email: '' };
}
