import * as z from 'zod';
import { correctAttribution, withdrawAttribution } from '../actions/correct-attribution.ts';
import { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import { field, type PageAction } from '../../../entrances/console/pages/page.ts';
import { withPorts } from '../ports.ts';
import { requiredText } from '../../../schemas/parsing/free-text.ts';

/** Value of the field `deployment` for an incident without a deploy as its cause. */
export const NO_DEPLOY = 'none';

/** Corrections of causes, with the same use cases as over HTTP. */
export const DELIVERY_ACTIONS = {
  attribute: {
    permission: 'incidents:act',
    done: 'The cause is recorded, and the figures count it.',
    run: async (deps, { caller, form }) => {
      const deployment = field(form, 'deployment', z.union([z.literal(NO_DEPLOY), ChangeId]));
      await correctAttribution(withPorts(deps), caller, {
        id: field(form, 'incident', IncidentId),
        deployment: deployment === NO_DEPLOY ? null : deployment,
        reason: field(form, 'reason', requiredText(2000, 'say why')),
      });
    },
  },
  withdraw: {
    permission: 'incidents:act',
    done: 'Withdrawn. The confirmed suspect of Firebreak counts again.',
    run: async (deps, { caller, form }) => {
      await withdrawAttribution(withPorts(deps), caller, { id: field(form, 'incident', IncidentId) });
    },
  },
} as const satisfies Readonly<Record<string, PageAction>>;
