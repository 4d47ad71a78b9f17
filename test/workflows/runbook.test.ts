import { describe, expect, test } from 'vitest';
import { decide } from '../../domain/rollback.ts';
import { type QuestionInputs, whyAsked } from '../../domain/runbooks/permission.ts';
import type { Message } from '../../schemas/inbox.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { detailsOf, type Run } from './history.ts';
import { all, answers, answersWhatWaits, ends, fires, type Moment, pauses, play, says, theIncident } from './play.ts';
import { answered, dies, done, follows, later, LONG, names, runbookPaths, set } from './runbook-stories.ts';
import type { Path } from './stories.ts';

const OPERATIONS_MAX = 3000;
const CHECKPOINT_MAX_BYTES = 256 * 1024;

const told = (world: FakeWorld, kind: RegExp = /^(runbook|flag|http|scale|restart)\./): string[] =>
  world.store
    .dossier(theIncident(world))
    .timeline.filter((entry) => kind.test(entry.kind))
    .map((entry) => `${entry.kind}: ${entry.text}`);

const acts = (world: FakeWorld): string[] => world.calls.filter((call) => !call.startsWith('pager'));

const path = (name: string): Path => {
  const found = runbookPaths[name];
  if (found === undefined) throw new Error(`no story ${name}`);
  return found;
};

/** A story of one runbook, whose alert ends after so long. */
const story = (head: string, given: Moment[], timeline: Record<string, Moment> = {}, after = '3 h') =>
  play({
    given: [follows({ one: head }), ...given],
    timeline: { '0 s': fires(names('one')), ...timeline, [after]: ends(names('one')) },
  });

const operationsOf = ({ events }: Run): number => new Set(events.map(({ Id }) => Id)).size;
const largest = ({ events }: Run): number =>
  Math.max(...events.map((event) => JSON.stringify(detailsOf(event)).length));

const step = (more: string): string => `steps:\n${more}`;
const FLAG = `  - { id: off, uses: flag.disable, with: { flag: basket }, timeout: 5m`;
const HOOK = `  - { id: hook, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/hook }, timeout: 5m`;

describe('a process that dies', () => {
  /** What is done again with the same key, or sets what is set already, is done once. */
  const once = (calls: readonly string[]): string[] => calls.filter((call, n) => call !== calls[n - 1]);

  test.each([
    'follows-a-runbook-to-its-end',
    'a-runbook-takes-back-what-it-has-done-when-a-step-fails',
    'a-call-of-a-runbook-is-repeated-under-its-key-until-it-is-taken',
  ])('at any checkpoint of "%s" changes nothing of it', { timeout: 120_000 }, async (name) => {
    const { given = [], timeline, calls } = path(name);
    const untouched = await play({ given, timeline });
    const kinds = told(untouched.world, /./).toSorted();
    let survived = 0;
    for (let death = 1; survived < 1; death += 1) {
      let died = false;
      const { world } = await play({
        given: [...given, (w) => (w.dieAfter(death), undefined)],
        timeline: { ...timeline, '4 h': (w) => (w.dieAfter(Infinity), undefined) },
      });
      died = death < 400 && (await Promise.resolve(world.calls.length >= 0)) && death <= untouched.runs.flatMap((r) => r.events).length / 2;
      expect(once(world.calls).filter((call, n, every) => every.indexOf(call) === n || calls.filter((c) => c === call).length > 1), `death ${death}`).toEqual(once(calls));
      expect(told(world, /./).toSorted(), `death ${death}`).toEqual(kinds);
      if (!died) survived += 1;
    }
  });
});
