import { randomUUID } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { type Call, documents, documentTables, exchanges } from '../core/exchanges.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** A flag in one environment. */
type Flag = {
  project: string;
  environment: string;
  flag: string;
  on: boolean;
  version: number;
  archived: boolean;
  requires_approval: boolean;
};

type Change = Pick<Flag, 'project' | 'environment' | 'flag' | 'on'> & {
  comment: string | null;
  /** The person who made the change; `null` for a token. */
  member: string | null;
  at: number;
};

/**
 * LaunchDarkly: the exchanges of its REST API to turn flags on and off, and the audit log of these changes.
 *
 * @see https://launchdarkly.com/docs/api/feature-flags (read 2026-11)
 */
export const launchdarkly = {
  vendor: 'launchdarkly',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ LAUNCHDARKLY_API_URL: url, LAUNCHDARKLY_TOKEN: SANDBOX_TOKEN }),
  /** Responds that the rate limit per IP address is exceeded, with the time to wait. */
  throttled: () => {
    const body = { code: 'rate_limited', message: "You've exceeded the API rate limit. Try again later." };
    return Response.json({ ...body, id: randomUUID() }, { status: 429, headers: { 'retry-after': '1' } });
  },
  app: (deps) => new Hono().use(requireToken).route('/', flagExchanges(deps)).notFound(notFound),
  sandbox(deps) {
    const { flags } = open(deps);
    const list = () => ({ items: flags.all(), next_cursor: null });
    return exchanges({
      'GET /flags': list,
      'PUT /flags'({ given }) {
        const { by, on, archived, requires_approval: approval, ...at } = given(ManualChange);
        const before = flags.get(at.project, at.environment, at.flag);
        const created = { ...at, on: false, version: 1, archived: false, requires_approval: false };
        const flag = {
          ...(before ?? created),
          ...(archived !== undefined && { archived }),
          ...(approval !== undefined && { requires_approval: approval }),
        };
        flags.put(flag, at.project, at.environment, at.flag);
        turn(flag, on, { comment: null, member: by }, deps);
        return list();
      },
    });
  },
  view: null,
} as const satisfies StandIn;

/** A manual change by a person. Creates the flag if it doesn't exist, and turns it on or off. */
const ManualChange = z.strictObject({
  project: z.string().min(1).default('default'),
  environment: z.string().min(1),
  flag: z.string().min(1),
  on: z.boolean(),
  /** The person who makes the change. */
  by: z.string().min(1).default('Ada'),
  archived: z.boolean().optional(),
  /** Whether changes of the flag by a token are refused. */
  requires_approval: z.boolean().optional(),
});

const open = ({ db }: StandInDeps) => ({
  flags: documents<Flag>(db, 'launchdarkly flag'),
  changes: documents<Change>(db, 'launchdarkly change'),
});

/** Turns a flag on or off. If it already has this state, the flag, its version, and its history stay unchanged. */
function turn(flag: Flag, on: boolean, by: Pick<Change, 'comment' | 'member'>, deps: StandInDeps): void {
  if (flag.on === on) return;
  const { flags, changes } = open(deps);
  const { project, environment, flag: key, version } = flag;
  flags.put({ ...flag, on, version: version + 1 }, project, environment, key);
  changes.put({ project, environment, flag: key, on, ...by, at: deps.now() }, String(changes.count()));
}

/** A semantic patch. All instructions are applied, or none; each one sets the same switch, so the last one decides. */
const Patch = z.object({
  comment: z.string().nullable().default(null),
  environmentKey: z.string().min(1),
  instructions: z.array(z.object({ kind: z.enum(['turnFlagOn', 'turnFlagOff']) })).min(1),
});

function flagExchanges(deps: StandInDeps): Hono {
  const { flags, changes } = open(deps);
  const flagOf = ({ param }: Call): Flag[] =>
    flags.all().filter(({ project, flag }) => project === param('project') && flag === param('flag'));
  return exchanges({
    'GET /api/v2/flags/:project/:flag'(call) {
      const [first, ...others] = flagOf(call);
      return first && flagJson([first, ...others], call.query['env']);
    },
    'PATCH /api/v2/flags/:project/:flag'(call) {
      // Without the domain model of semantic patches, the body counts as a JSON patch.
      if (!/;\s*domain-model=launchdarkly\.semanticpatch\s*(?:;|$)/i.test(call.header('content-type')))
        return refused(400, 'invalid_request', 'send a semantic patch');
      const { data, error } = Patch.safeParse(call.json);
      if (!data) return refused(400, 'invalid_request', `Invalid request body: ${inputProblemText(error)}`);
      const flag = flagOf(call).find(({ environment }) => environment === data.environmentKey);
      if (!flag) return undefined;
      // The documentation states only the status; the wording of the message is from reports of API users.
      if (flag.requires_approval)
        return refused(
          405,
          'method_not_allowed',
          "Flag configuration updates require approval: action 'updateOn' not allowed",
        );
      const on = data.instructions.at(-1)?.kind === 'turnFlagOn';
      turn(flag, on, { comment: data.comment, member: null }, deps);
      return flagJson(flagOf(call));
    },
    'GET /api/v2/auditlog'({ query: { spec, limit = '10' } }) {
      if (!(Number(limit) >= 1 && Number(limit) <= 20))
        return refused(400, 'invalid_request', 'limit must be between 1 and 20');
      const found = changes.all().filter((change) => spec === undefined || resourceOf(change) === spec);
      return { _links: {}, items: found.toReversed().slice(0, Number(limit)).map(changeJson) };
    },
  });
}

/** @param only the environment to include; without it, all */
const flagJson = (states: readonly Flag[], only?: string): object => ({
  key: states[0]?.flag,
  kind: 'boolean',
  _version: states.reduce((sum, { version }) => sum + version, 0),
  archived: states.some(({ archived }) => archived),
  environments: Object.fromEntries(
    states
      .filter(({ environment }) => only === undefined || environment === only)
      .map(({ environment, on, version, archived }) => [environment, { on, version, archived }]),
  ),
});

const changeJson = (change: Change): object => ({
  date: change.at,
  accesses: [{ action: 'updateOn', resource: resourceOf(change) }],
  name: change.flag,
  ...(change.comment !== null && { comment: change.comment }),
  ...(change.member === null
    ? { token: { name: 'firebreak', serviceToken: true } }
    : { member: { firstName: change.member } }),
  titleVerb: `turned ${change.on ? 'on' : 'off'} the flag`,
});

const resourceOf = ({ project, environment, flag }: Change): string =>
  `proj/${project}:env/${environment}:flag/${flag}`;

/** Accepts every token. The header contains the token alone, so a value with a scheme is refused. */
const requireToken: MiddlewareHandler = async (c, next) =>
  /^\S+$/.test(c.req.header('authorization') ?? '') ? next() : refused(401, 'unauthorized', 'Invalid access token');

const refused = (status: number, code: string, message: string): Response =>
  Response.json({ code, message, id: randomUUID() }, { status });

const notFound = (): Response => refused(404, 'not_found', 'Invalid resource identifier');
