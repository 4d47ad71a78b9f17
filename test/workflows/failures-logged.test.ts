import { expect, test } from 'vitest';
import { EffectTable } from '../../core/stores/incidents/effects.ts';
import { IncidentLog } from '../../core/stores/incidents/incident-log.ts';
import { IncidentTable } from '../../core/stores/incidents/incidents.ts';
import { unobserved } from '../../core/stores/incidents/observers.ts';
import { Table } from '../../core/stores/table.ts';
import type { Log } from '../../core/domain/ports/system.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { ends, fires, type Moment, play } from './play.ts';

type Line = { level: string; message: string } & Record<string, unknown>;

const collecting = (lines: Line[], about: object = {}): Log => {
  const at = (level: string) => (message: string, fields?: object) =>
    void lines.push({ level, message, ...about, ...fields });
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: at('warn'),
    error: at('error'),
    with: (fields) => collecting(lines, { ...about, ...fields }),
  };
};

/** Plays an incident whose vendors respond as given, and returns its log lines at `warn` and `error`. */
async function linesOf(given: Moment): Promise<Line[]> {
  const lines: Line[] = [];
  const logs = ({ deps, store, clock }: FakeWorld): void => {
    const log = collecting(lines);
    const table = new Table(store);
    const observers = { ...unobserved, events: new IncidentLog(table, log) };
    const effects = new EffectTable(table, clock, observers);
    Object.assign(deps, { log, effects, incidents: new IncidentTable(table, clock, observers) });
  };
  const timeline = { '0 s': fires(), '3 h': ends() };
  const { runs } = await play({ given: [logs, given], timeline });
  expect(runs.length).toBeGreaterThan(0);
  return lines.map(({ trace: _trace, incident: _incident, branch: _branch, ...line }) => line as Line);
}

const AT = { service: 'checkout', environment: 'production', alert: 'HighErrorRatio of checkout' };

test('a rollback without an answer is logged with each attempt, and its refusal once, with the reason', async () => {
  const lines = await linesOf((world) => {
    const hangs = { kind: 'later', detail: 'no response within 15 s', afterSeconds: null } as const;
    world.rollbacks = [hangs, { kind: 'busy', detail: 'a deploy is running' }, { kind: 'refused', detail: 'HTTP 422' }];
  });
  const attempt = { level: 'warn', message: expect.stringContaining('retrying'), step: 'roll-back', ...AT };
  expect(lines).toEqual([
    { ...attempt, attempt: 1, detail: 'no response within 15 s' },
    { ...attempt, attempt: 2, detail: 'a deploy is running' },
    {
      level: 'error',
      message: 'mitigation ended',
      event: 'mitigation.ended',
      ...AT,
      decision: expect.any(String),
      outcome: 'refused',
      detail: expect.stringContaining('HTTP 422'),
    },
  ]);
});

test('a page that nobody accepts is logged with the refusal, and with its end', async () => {
  const lines = await linesOf((world) => {
    world.pages = [
      { kind: 'later', detail: 'HTTP 503', afterSeconds: null },
      { kind: 'refused', detail: 'HTTP 400' },
    ];
  });
  expect(lines).toMatchObject([
    { level: 'warn', step: 'page', attempt: 1, detail: 'HTTP 503', ...AT },
    { level: 'error', event: 'effect.ended', kind: 'page', outcome: 'failed', detail: 'Not paged: HTTP 400', ...AT },
    { level: 'error', event: 'failure.noted', action: 'page.failed', ...AT },
  ]);
});
