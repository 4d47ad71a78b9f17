import * as z from 'zod';
import type { Finding } from '../../core/domain/catalogue/doctor-findings.ts';
import type { Client } from '../../entrances/cli/client.ts';
import { GatesOfService } from './schemas/freeze-gates.ts';

type Condition = z.infer<typeof GatesOfService>['gates'][number]['condition'];

const VERDICTS: Readonly<Record<Condition, Finding['verdict']>> = {
  open: 'ok',
  closed: 'ok',
  foreign: 'warn',
  closed_again: 'warn',
  refused: 'no',
};

const TEXTS: Readonly<Record<Condition, string>> = {
  open: 'open',
  closed: 'closed by a freeze',
  foreign: 'a freeze applies, but others had suspended it before; Firebreak will not resume it',
  closed_again: 'closed by a freeze; another system or a person had opened it, so it was closed again',
  refused: 'could not be set',
};

/** Returns the gates that freezes have closed, opened again by others, or could not change. */
export async function gateFindings(client: Client): Promise<Finding[]> {
  const { items } = await client.get('/v1/freeze-gates', z.object({ items: z.array(GatesOfService) }));
  return items.flatMap(({ service, environment, gates }) =>
    gates
      .filter(({ condition }) => condition !== 'open')
      .map(({ object, condition, detail, at }) => ({
        verdict: VERDICTS[condition],
        about: `${service}/${environment}`,
        text: `${object}: ${TEXTS[condition]}${detail === null ? '' : `: ${detail}`} (since ${at})`,
      })),
  );
}
