import * as z from 'zod';
import { liftFreeze, openFreeze } from '../../../../actions/freeze/freezes.ts';
import { approveOverride, giveOverride, withdrawOverride } from '../../../../actions/freeze/overrides.ts';
import { Refusal } from '../../../../actions/refusal.ts';
import { stateAt } from '../../../../domain/freeze/state.ts';
import { NAME_MAX_CHARS } from '../../../../schemas/config/names.ts';
import { NewFreeze, NewOverride, RequiredReason } from '../../../../schemas/freeze/freeze.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { newId } from '../../../new-id.ts';
import { field, type PageAction } from '../page.ts';

const Id = z.string().max(128);

/** A time of a form, which is in UTC. */
const UtcField = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'must be a date and time, such as 2026-11-20T18:00')
  .transform((text) => `${text.length === 16 ? `${text}:00` : text}Z`)
  .optional();

/** @throws Refusal 422 */
function parsed<T extends z.ZodType>(schema: T, value: z.input<T>): z.output<T> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new Refusal(
    422,
    'invalid',
    read.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; '),
  );
}

/** What a person can do about freezes, with the same use cases as in Slack and over HTTP. */
export const FREEZE_ACTIONS = {
  declare: {
    permission: 'freezes:write',
    done: 'Deploys are frozen.',
    run: async (deps, { caller, form, key }) => {
      const text = (name: string) => field(form, name, z.string().max(256).optional());
      const freeze = parsed(NewFreeze, {
        service: text('service'),
        environment: text('environment'),
        team: text('team'),
        reason: field(form, 'reason', RequiredReason),
        starts_at: field(form, 'starts_at', UtcField),
        until: field(form, 'until', UtcField),
      });
      const opened = await openFreeze(deps, caller, { id: newId('frz', key), freeze });
      if (stateAt(opened.freeze, deps.clock.now()) === 'over')
        throw new Refusal(409, 'freeze-over', 'this freeze was opened before, and has ended since; enter it again');
    },
  },
  lift: {
    permission: 'freezes:write',
    done: 'Lifted. Deploys are allowed again unless another freeze applies.',
    run: async (deps, { caller, form }) => {
      await liftFreeze(deps, caller, {
        id: field(form, 'id', Id),
        reason: field(form, 'reason', RequiredReason.optional()) ?? null,
      });
    },
  },
  override: {
    permission: 'freezes:override',
    done: 'The override is recorded. If the policy requires two people, another person must approve it.',
    run: async (deps, { caller, form, key }) => {
      const hours = field(
        form,
        'hours',
        z.coerce
          .number()
          .positive()
          .max(24 * 30),
      );
      const override = parsed(NewOverride, {
        reason: field(form, 'reason', RequiredReason),
        expires_at: plusSeconds(deps.clock.now(), hours * 3600),
        uses: field(form, 'uses', z.coerce.number().int().optional()),
        version: field(form, 'version', z.string().max(NAME_MAX_CHARS).optional()),
      });
      await giveOverride(deps, caller, { freeze: field(form, 'id', Id), id: newId('ovr', key), override });
    },
  },
  'approve-override': {
    permission: 'freezes:override',
    done: 'Approved. The override can be used.',
    run: async (deps, { caller, form }) => {
      await approveOverride(deps, caller, { freeze: field(form, 'id', Id), id: field(form, 'override', Id) });
    },
  },
  'withdraw-override': {
    permission: 'freezes:override',
    done: 'Withdrawn. Deployments that have used the override stay allowed.',
    run: async (deps, { caller, form }) => {
      await withdrawOverride(deps, caller, {
        freeze: field(form, 'id', Id),
        id: field(form, 'override', Id),
        reason: undefined,
      });
    },
  },
} as const satisfies Readonly<Record<string, PageAction>>;
