import * as z from 'zod';
import { numberInAddress } from '../../core/domain/incidents/incident-number.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { IncidentId } from '../../schemas/config/names.ts';

const MAX_CHARS = 64;

/** Parses what names an incident in a request: its ID, or its number as `INC-42`, in any case, or `42`. Returns its ID. */
export const incidentReference = (deps: Pick<Deps, 'incidents'>) =>
  z
    .string()
    .max(MAX_CHARS)
    .transform(async (text, context): Promise<IncidentId> => {
      const number = numberInAddress(text);
      const id = number === undefined ? IncidentId.safeParse(text).data : await deps.incidents.withNumber(number);
      if (id !== undefined) return id;
      context.addIssue(
        number === undefined ? 'must be an incident: INC- and its number, or its ID' : `there is no incident ${text}`,
      );
      return z.NEVER;
    })
    .meta({
      type: 'string',
      maxLength: MAX_CHARS,
      description: 'The number of an incident, such as INC-42, or its ID',
      example: 'INC-42',
    });

/** The path parameter `{id}` of an incident. */
export const incidentParams = (deps: Pick<Deps, 'incidents'>) => z.object({ id: incidentReference(deps) });
