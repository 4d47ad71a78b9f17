import { IncidentId } from '../../../schemas/config/names.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';

/** Questions that are read at most. */
const QUESTIONS_MAX = 200;

const QUESTION = /^decision-(\d+)$/;

/** What is stored of an incident whose workflow may wait for answers. */
type MayAsk = { id?: unknown; callbacks?: unknown };

/**
 * Returns the number of questions that wait for an answer, by incident. A workflow that asks waits for the answer, so that only
 * decisions with a callback can be open questions; answered ones may have one, too.
 */
export async function waitingQuestions(table: Table, incidents: readonly MayAsk[]): Promise<Map<IncidentId, number>> {
  const asked = incidents
    .flatMap(({ id, callbacks }) =>
      Object.keys(callbacks ?? {}).flatMap((name) => {
        const number = QUESTION.exec(name)?.[1];
        return number === undefined ? [] : [{ id: IncidentId.parse(id), number: Number(number) }];
      }),
    )
    .slice(0, QUESTIONS_MAX);
  const decisions = await table.getAll(asked.map(({ id, number }) => keys.decision(id, number)));
  const waiting = asked.filter((_, index) => decisions[index]?.['state'] === 'waiting');
  return new Map([...Map.groupBy(waiting, ({ id }) => id)].map(([id, questions]) => [id, questions.length]));
}
