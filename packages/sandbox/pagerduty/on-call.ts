import { Hono } from 'hono';
import { ON_CALL_BY_LEVEL, type User, userById } from './directory.ts';
import { notFound, restAccess } from './rest.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/**
 * Routes of the REST API for on-calls, users, and abilities of the account. The same users are on call in all policies
 * and schedules.
 *
 * @see https://developer.pagerduty.com/api-reference (Abilities, On-Calls, Users; read 2026-11)
 */
export const onCallRoutes = (deps: StandInDeps): Hono =>
  new Hono()
    .use(restAccess(deps))
    .get('/oncalls', (c) => {
      const policies = c.req.queries('escalation_policy_ids[]') ?? [];
      const schedules = c.req.queries('schedule_ids[]') ?? [];
      const withUsers = c.req.queries('include[]')?.includes('users') ?? false;
      const rotations = [
        ...policies.map((id) => ({ escalation_policy: reference(id, 'escalation_policy'), schedule: null })),
        ...schedules.map((id) => ({
          escalation_policy: reference('PPOLICY', 'escalation_policy'),
          schedule: reference(id, 'schedule'),
        })),
      ];
      const oncalls = rotations.flatMap((rotation) =>
        ON_CALL_BY_LEVEL.map((user, n) => ({
          ...rotation,
          user: withUsers ? userObject(user) : reference(user.id, 'user', user.name),
          escalation_level: n + 1,
          start: null,
          end: null,
        })),
      );
      return c.json({ oncalls, limit: 100, offset: 0, more: false, total: null });
    })
    .get('/abilities', (c) => c.json({ abilities: ['teams', 'read_only_users', 'urgencies'] }))
    .get('/users/:id', (c) => {
      const user = userById(c.req.param('id'));
      return user ? c.json({ user: userObject(user) }) : notFound(c);
    });

const reference = (id: string, type: string, summary = id) => ({ id, type: `${type}_reference`, summary });

const userObject = ({ id, name, email }: User) => ({ id, type: 'user', summary: name, name, email, role: 'user' });
