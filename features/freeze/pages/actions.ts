import * as z from 'zod';
import { withPorts } from '../ports.ts';
import { liftFreeze, openFreeze, scopeOf } from '../actions/freezes.ts';
import { servicesIn } from '../actions/known-names.ts';
import { approveOverride, giveOverride, withdrawOverride } from '../actions/overrides.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { stateAt } from '../decisions/state.ts';
import { scopeInWords } from '../decisions/words.ts';
import { NAME_MAX_CHARS } from '../../../schemas/config/names.ts';
import { NewFreeze, NewOverride, RequiredReason } from '../schemas/freeze.ts';
import { instantIn, minuteText, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { newId } from '../../../entrances/http/new-id.ts';
import {
  field,
  FieldRefusal,
  fields,
  type PageAction,
  problemsOf,
  refuseForeignEnvironment,
} from '../../../entrances/console/pages/page.ts';

const Id = z.string().max(128);

/** A time of a form, which is in UTC. */
const UtcField = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'must be a date and time, such as 2026-11-20T18:00')
  .transform((text) => `${text.length === 16 ? `${text}:00` : text}Z`)
  .optional();

/** The scope of a freeze of all services. No service or team has this name. */
export const EVERYTHING = 'all';

/** When a freeze ends that has no other end: hours, or when a person lifts it. */
export const FREEZE_ENDS = {
  '1': '1 hour',
  '2': '2 hours',
  '4': '4 hours',
  '8': '8 hours',
  '24': '1 day',
  '168': '1 week',
  lifted: 'until a person lifts it',
} as const;

export const FREEZE_ENDS_DEFAULT = '2';

/** @throws FieldRefusal */
function parsed<T extends z.ZodType>(
  schema: T,
  value: z.input<T>,
  fieldNames: Readonly<Record<string, string>> = {},
): z.output<T> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new FieldRefusal(
    problemsOf(read.error).map(({ field: name, text }) => ({ field: fieldNames[name] ?? name, text })),
  );
}

const FREEZE_FIELDS = { service: 'scope', team: 'scope' };

/** @throws FieldRefusal */
function freezeIn(form: URLSearchParams, now: Timestamp): NewFreeze {
  const entered = fields(form, {
    scope: z.string('choose what to freeze').regex(/^(?:all|(?:service|team):.{1,256})$/s, 'choose what to freeze'),
    environment: z.string().max(256).optional(),
    reason: RequiredReason,
    ends: z.enum(Object.keys(FREEZE_ENDS) as (keyof typeof FREEZE_ENDS)[]).default(FREEZE_ENDS_DEFAULT),
    starts_at: UtcField,
    until: UtcField,
  });
  const { scope, ends, environment, reason, starts_at, until } = entered;
  const [kind, ...name] = scope.split(':');
  const from = (starts_at && instantIn(starts_at)) || now;
  return parsed(
    NewFreeze,
    {
      ...(kind === 'service' && { service: name.join(':') }),
      ...(kind === 'team' && { team: name.join(':') }),
      environment,
      reason,
      starts_at,
      until: until ?? (ends === 'lifted' ? undefined : plusSeconds(from < now ? now : from, Number(ends) * 3600)),
    },
    FREEZE_FIELDS,
  );
}

/** What a person can do about freezes, with the same use cases as in Slack and over HTTP. */
export const FREEZE_ACTIONS = {
  declare: {
    permission: 'freezes:write',
    done: 'Deploys are frozen.',
    fieldNames: FREEZE_FIELDS,
    undoneBy: { lift: ['id'] },
    confirm: async (deps, { caller, form }) => {
      const freeze = freezeIn(form, deps.clock.now());
      if (freeze.service !== null || freeze.team !== null) return undefined;
      caller.allow('freezes:write', scopeOf(freeze));
      const count = servicesIn((await deps.config.current()).services, freeze).length;
      const where = scopeInWords(freeze);
      const [from, until] = [freeze.starts_at, freeze.until].map((at) => at && minuteText(at));
      return {
        question: `Freeze deploys of ${where}?`,
        effect:
          `Freezes deploys of ${where} (${count === 1 ? '1 service' : `${count} services`} in the catalogue)${from ? ` from ${from}` : ' now'}` +
          `${until ? `, until ${until}` : ', until a person lifts it'}. The freeze check then refuses deploys with this reason: ${freeze.reason}`,
        button: until ? `Freeze ${where} until ${until}` : `Freeze ${where}`,
      };
    },
    run: async (deps, { caller, form, key }) => {
      const id = newId('frz', key);
      const freeze = freezeIn(form, deps.clock.now());
      refuseForeignEnvironment((await deps.config.current()).services, freeze);
      const opened = await openFreeze(withPorts(deps), caller, { id, freeze });
      if (stateAt(opened.freeze, deps.clock.now()) === 'over')
        throw new Refusal(409, 'freeze-over', 'this freeze was opened before, and has ended since; enter it again');
      return { undo: { action: 'lift', fields: { id } } };
    },
  },
  lift: {
    permission: 'freezes:write',
    done: 'Lifted. Deploys are allowed again unless another freeze applies.',
    run: async (deps, { caller, form }) => {
      await liftFreeze(withPorts(deps), caller, {
        id: field(form, 'id', Id),
        reason: field(form, 'reason', RequiredReason.optional()) ?? null,
      });
    },
  },
  override: {
    permission: 'freezes:override',
    undoneBy: { 'withdraw-override': ['id', 'override'] },
    done: 'The override is recorded. If the policy requires two people, another person must approve it.',
    run: async (deps, { caller, form, key }) => {
      const { hours, ...entered } = fields(form, {
        reason: RequiredReason,
        hours: z.coerce
          .number()
          .positive()
          .max(24 * 30),
        uses: z.coerce.number().int().optional(),
        version: z.string().max(NAME_MAX_CHARS).optional(),
      });
      const expires_at = plusSeconds(deps.clock.now(), hours * 3600);
      const override = parsed(NewOverride, { ...entered, expires_at }, { expires_at: 'hours' });
      const id = newId('ovr', key);
      const freeze = field(form, 'id', Id);
      await giveOverride(withPorts(deps), caller, { freeze, id, override });
      return { undo: { action: 'withdraw-override', fields: { id: freeze, override: id } } };
    },
  },
  'approve-override': {
    permission: 'freezes:override',
    done: 'Approved. The override can be used.',
    run: async (deps, { caller, form }) => {
      await approveOverride(withPorts(deps), caller, {
        freeze: field(form, 'id', Id),
        id: field(form, 'override', Id),
      });
    },
  },
  'withdraw-override': {
    permission: 'freezes:override',
    done: 'Withdrawn. Deployments that have used the override stay allowed.',
    run: async (deps, { caller, form }) => {
      await withdrawOverride(withPorts(deps), caller, {
        freeze: field(form, 'id', Id),
        id: field(form, 'override', Id),
        reason: undefined,
      });
    },
  },
} as const satisfies Readonly<Record<string, PageAction>>;
