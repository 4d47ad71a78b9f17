import { lastCheck } from '../../../../vendors/connections/stored-check.ts';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import { actorNameOf } from '../../../../core/domain/access/actor-identity.ts';
import {
  configurationFindings,
  connectionFindings,
  type Finding,
} from '../../../../core/domain/catalogue/doctor-findings.ts';
import type { ConfigLoads } from '../../../../core/domain/ports/config.ts';
import type { TokenRecord } from '../../../../schemas/access/access.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import { type PeopleFile, ROLES } from '../../../../schemas/people/people.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../http/context.ts';
import type { PageRequest, ConsoleDeps } from '../page.ts';

/** Everything that the settings page shows. A part is null if the viewer may not see it. */
export type Settings = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  configuration: { version: string; loads: ConfigLoads | null; findings: readonly Finding[]; config: Config };
  /** The last check of all connections. Absent: none is stored. */
  check: { at: Timestamp; by: string; findings: readonly Finding[] } | undefined;
  tokens: { items: readonly TokenRow[]; older: string | null; isFirst: boolean } | null;
};

export type TokenRow = TokenRecord & { actsAs: string; role: string };

const TOKENS_SHOWN = 50;

/** @throws Refusal 403 to viewers who may see only a part of the services */
export async function loadSettings(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<Settings> {
  const { caller, may, csrfToken } = viewer;
  caller.allow('health:read', EVERYWHERE);
  const from = query.get('tokens');
  const [config, problems, loads, stored, tokens] = await Promise.all([
    deps.config.current(),
    deps.config.problems(),
    deps.config.loads?.() ?? null,
    lastCheck(deps),
    may('tokens:read', EVERYWHERE) ? deps.tokens.list({ limit: TOKENS_SHOWN, ...(from && { cursor: from }) }) : null,
  ]);
  return {
    may,
    csrfToken,
    at: deps.clock.now(),
    configuration: { version: config.version, loads, findings: configurationFindings(problems), config },
    check: stored && { at: stored.at, by: stored.by, findings: connectionFindings(stored.connections) },
    tokens: tokens && {
      items: tokens.items.map((token) => ({
        ...token,
        actsAs: actorNameOf(token),
        role: roleOf(token, config.people),
      })),
      older: tokens.next_cursor,
      isFirst: !from,
    },
  };
}

/** Returns the role whose actions a token has, or the number of its permissions. */
function roleOf({ actions }: Pick<TokenRecord, 'actions'>, { roles }: Pick<PeopleFile, 'roles'>): string {
  const permissions = new Set<string>(actions);
  const matching = Object.entries({ ...ROLES, ...roles }).find(
    ([, role]) =>
      new Set(role.actions).size === permissions.size && role.actions.every((action) => permissions.has(action)),
  );
  return matching?.[0] ?? (actions.length === 1 ? (actions[0] ?? '') : `${permissions.size} permissions`);
}
