import { flag, required } from './delivery/arguments.ts';
import { ADMIN, BOT, GROUPS, PEOPLE, personById, TEAM, type Person } from './directory.ts';
import { AUTH_TEST, TIER_2, TIER_3, TIER_4 } from './delivery/limits.ts';
import { method, type Methods } from './delivery/method.ts';
import { Refused, type Fields } from './delivery/refusal.ts';
import type { Workspace } from './workspace.ts';

/**
 * Methods for users, and for the identity of the caller.
 *
 * @see https://docs.slack.dev/reference/methods (read 2026-11): auth.test, users, usergroups
 */
export const peopleMethods: Methods = {
  'auth.test': method(AUTH_TEST, () => ({
    url: TEAM.url,
    team: TEAM.name,
    user: BOT.name,
    team_id: TEAM.id,
    user_id: BOT.id,
    bot_id: BOT.bot_id,
    is_enterprise_install: false,
  })),
  'users.info': method(TIER_4, ({ args, workspace }) => {
    const id = required(args, 'user');
    if (id === BOT.id) return { user: botObject() };
    const person = personById(id);
    if (!person) throw new Refused('user_not_found');
    return { user: userObject(person, workspace) };
  }),
  'users.lookupByEmail': method(TIER_3, ({ args, workspace }) => {
    const email = required(args, 'email').toLowerCase();
    const person = PEOPLE.find((one) => one.email === email);
    if (!person) throw new Refused('users_not_found');
    return { user: userObject(person, workspace) };
  }),
  'usergroups.list': method(TIER_2, ({ args }) => ({
    usergroups: GROUPS.map(({ id, name, handle, users }) => ({
      id,
      team_id: TEAM.id,
      is_usergroup: true,
      name,
      handle,
      user_count: users.length,
      ...(flag(args, 'include_users') && { users }),
    })),
  })),
  'usergroups.users.list': method(TIER_2, ({ args }) => {
    const id = required(args, 'usergroup');
    const group = GROUPS.find((one) => one.id === id);
    if (!group) throw new Refused('no_such_subteam');
    return { users: group.users };
  }),
};

/**
 * Returns a person in the format of the API. The email address is included only with its scope.
 *
 * @see https://docs.slack.dev/reference/objects/user-object (read 2026-11)
 */
function userObject({ id, name, real_name: realName, email, guest }: Person, { installation }: Workspace): Fields {
  const isAdmin = id === ADMIN.id;
  return {
    id,
    team_id: TEAM.id,
    name,
    real_name: realName,
    deleted: false,
    tz: 'Europe/Berlin',
    is_admin: isAdmin,
    is_owner: isAdmin,
    is_primary_owner: isAdmin,
    is_restricted: guest === true,
    is_ultra_restricted: false,
    is_bot: false,
    is_app_user: false,
    profile: {
      real_name: realName,
      display_name: name,
      ...(installation.scopes().includes('users:read.email') && { email }),
    },
  };
}

const botObject = (): Fields => ({
  id: BOT.id,
  team_id: TEAM.id,
  name: BOT.name,
  real_name: BOT.name,
  deleted: false,
  is_bot: true,
  profile: { real_name: BOT.name, display_name: BOT.name, bot_id: BOT.bot_id, api_app_id: BOT.app_id },
});
