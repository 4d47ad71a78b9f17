import { createHash } from 'node:crypto';

/** Somebody with an account at PagerDuty. */
export type User = { id: string; name: string; email: string };

/** Everybody's escalation policy ends at this person. */
export const ON_CALL: User = { id: 'PONCALL', name: 'Sandbox On-Call', email: 'on-call@example.com' };

const ADA: User = { id: 'PADA001', name: 'Ada Park', email: 'ada@example.com' };
const GRACE: User = { id: 'PGRACE1', name: 'Grace Moreau', email: 'grace@example.com' };
const BOB: User = { id: 'PBOB001', name: 'Bob Tanaka', email: 'bob@example.com' };

/** The same people as in the sandbox's Slack. */
const USERS: readonly User[] = [ON_CALL, ADA, GRACE, BOB];

/** Whom each policy, and each schedule, calls: the first on level 1, and so on. It has these, whatever they are called. */
export const ROTA: readonly User[] = [ADA, GRACE];

export const userById = (id: string): User | undefined => USERS.find((user) => user.id === id);

/** By the whole name; whoever is not known has an account as well, of which nothing is known. */
export function userNamed(name: string): User {
  const known = USERS.find((user) => user.name === name);
  if (known) return known;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 7).toUpperCase();
  return { id: `P${hash}`, name, email: '' };
}
