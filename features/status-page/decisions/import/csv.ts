import type { ForeignComponent, ForeignSubscriber } from './statuspage.ts';

/** A CSV file that cannot be read: what is wrong, and in which line. */
export class BadCsv extends Error {
  override readonly name = 'BadCsv';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Parses CSV with quotation marks (RFC 4180). Returns each record with its line. @throws BadCsv */
export function parseCsv(text: string): { line: number; cells: string[] }[] {
  const records: { line: number; cells: string[] }[] = [];
  let [cells, cell, isQuoted, line, recordLine]: [string[], string, boolean, number, number] = [[], '', false, 1, 1];
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const endRecord = (): void => {
    cells.push(cell);
    if (cells.length > 1 || cell !== '') records.push({ line: recordLine, cells });
    [cells, cell, recordLine] = [[], '', line + 1];
  };
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? '';
    if (isQuoted && char === '"' && source[at + 1] === '"') {
      cell += char;
      at += 1;
    } else if (char === '"' && (isQuoted || cell === '')) isQuoted = !isQuoted;
    else if (isQuoted) cell += char;
    else if (char === ',') {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') endRecord();
    else cell += char;
    if (char === '\n') line += 1;
  }
  if (isQuoted) throw new BadCsv(recordLine, 'a quotation mark is not closed');
  endRecord();
  return records;
}

/** Names of columns, in any case, with spaces, hyphens, or underscores. */
const COLUMNS = {
  id: ['id', 'component id'],
  name: ['name', 'component', 'component name'],
  description: ['description'],
  group: ['group', 'group name', 'component group'],
  channel: ['type', 'mode', 'subscriber type', 'subscription type'],
  address: ['email', 'address', 'primary', 'destination', 'contact'],
  state: ['state', 'status'],
  components: ['components', 'component subscriptions', 'component ids', 'subscribed components'],
} as const;
type Column = keyof typeof COLUMNS;

const normalizedName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, ' ');

/** Reads records by the names of the columns in the first line. @throws BadCsv without a required column */
function byColumn(text: string, required: readonly Column[]): { line: number; cellOf: (column: Column) => string }[] {
  const [head, ...rows] = parseCsv(text);
  const names = (head?.cells ?? []).map(normalizedName);
  const position = (column: Column): number =>
    names.findIndex((name) => (COLUMNS[column] as readonly string[]).includes(name));
  for (const column of required)
    if (position(column) === -1)
      throw new BadCsv(1, `no column "${column}": the first line must name the columns (found: ${names.join(', ')})`);
  return rows.map(({ line, cells }) => ({ line, cellOf: (column) => (cells[position(column)] ?? '').trim() }));
}

/** Reads components from CSV. @throws BadCsv */
export const componentsOfCsv = (text: string): ForeignComponent[] =>
  byColumn(text, ['name']).map(({ line, cellOf }) => {
    const name = cellOf('name');
    if (name === '') throw new BadCsv(line, 'a component has no name');
    return {
      id: cellOf('id') || name,
      name,
      description: cellOf('description') || null,
      group: cellOf('group') || null,
    };
  });

/**
 * Reads subscribers from CSV.
 *
 * @param confirmed the exporting person states that all of them are confirmed; a column that says otherwise wins
 * @throws BadCsv
 */
export const subscribersOfCsv = (text: string, { confirmed }: { confirmed: boolean }): ForeignSubscriber[] =>
  byColumn(text, ['address']).map(({ cellOf }) => {
    const components = cellOf('components')
      .split(/[;|,]/)
      .map((name) => name.trim())
      .filter((name) => name !== '');
    return {
      channel: cellOf('channel').toLowerCase() || 'email',
      address: cellOf('address'),
      state: stateOf(cellOf('state'), confirmed),
      components: components.length === 0 ? null : components,
    };
  });

function stateOf(text: string, confirmed: boolean): ForeignSubscriber['state'] {
  switch (text.toLowerCase()) {
    case 'active':
    case 'confirmed':
      return 'confirmed';
    case 'unconfirmed':
    case 'pending':
      return 'unconfirmed';
    case 'quarantined':
      return 'quarantined';
    case '':
      return confirmed ? 'confirmed' : 'unknown';
    default:
      return 'unknown';
  }
}
