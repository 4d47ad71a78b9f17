/**
 * Writes the table of alarms in docs/how-to/aws.md from the rows that the alarms are made of:
 *   npm run docs:aws
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cost, totalOf } from './platform/idle-cost.ts';
import { ALARM_NAMES, alarmRow, INTAKE } from '../functions/assembly/alarm-rows.ts';

const PAGE = join(import.meta.dirname, '..', 'docs', 'how-to', 'aws.md');

const codes = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const inSize = (size: string | undefined): string => (size === undefined ? '' : ` (size \`${size}\`)`);

const ALARMS = [
  [codes([INTAKE.name]), INTAKE.severity, 'see the alarm that set it off', `those of ${codes(INTAKE.parts)}`],
  ...ALARM_NAMES.map((name) => {
    const { severity, action, covers, only } = alarmRow(name);
    return [
      `${codes([name])}${inSize(only)}`,
      severity,
      action,
      covers.map(([kinds, of, size]) => `${kinds.join(', ')} of ${codes(of)}${inSize(size)}`).join('; '),
    ];
  }),
];

type Document = { page: string; before: string; after: string };

/** Returns the page as it is, and with other rows in the table whose head starts with this text. */
function withRows(head: string, rows: readonly (readonly string[])[]): Document {
  const before = readFileSync(PAGE, 'utf8');
  const table = before.split('\n\n').find((part) => part.startsWith(head));
  if (table === undefined) throw new Error(`${PAGE} has no table that begins with "${head}": restore its head`);
  const heading = table.split('\n').slice(0, 2);
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return { page: PAGE, before, after: before.replace(table, () => [...heading, ...lines].join('\n')) };
}

/** Returns the page with the alarms. */
export const alarmDocument = (): Document => withRows('| Alarm |', ALARMS);

/** Returns the page with the costs of an idle month of both sizes. */
export function costDocument(small: readonly Cost[], standard: readonly Cost[]): Document {
  const dollars = (usd: number): string => `$${usd.toFixed(2)}`;
  const rows = small.map(({ part, usd }, n) => {
    const other = standard[n];
    const name = other === undefined || other.part === part ? part : `${part}; ${other.part}`;
    return [name, dollars(usd), dollars(other?.usd ?? 0)];
  });
  return withRows('| Part of an idle month |', [...rows, ['together', ...[small, standard].map(totalOf).map(dollars)]]);
}

if (process.argv[1] === import.meta.filename) {
  const { page, after } = alarmDocument();
  writeFileSync(page, after);
}
