import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { openWriting } from '../../../../platforms/sqlite/connection.ts';
import { DATABASE_FILE } from '../../../../platforms/sqlite/data-folder.ts';
import type { Bench } from '../harness/part.ts';
import { prepare, startProduct } from '../harness/product.ts';
import { sendStorm, sizeOf, stormOf, untilPaged } from '../harness/storm.ts';
import { figure, type Measured, ratioAtMost } from '../results.ts';

/** The tables with what a storm leaves. */
const TABLES = ['items', 'executions', 'operations'];

/**
 * Measures a storm of known services, from the first request until all incidents are open and all their pages have arrived.
 * The reference writes the same records in a loop, with one commit for each incident.
 */
export async function* measureStorm({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const storm = stormOf('in-storm', isShort);
  await prepare(folder, { acting: [], asking: [], paging: storm.services }, vendors);
  const product = await startProduct(folder, vendors);
  let milliseconds: number;
  try {
    const began = performance.now();
    await sendStorm(product, storm);
    console.error(`bench: storm: accepted after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await untilPaged(vendors, storm);
    milliseconds = performance.now() - began;
  } finally {
    await product.stop();
  }
  const copied = copyMillis(join(folder, 'data', DATABASE_FILE), join(folder, 'copy.sqlite'), storm.services.length);
  const name = `storm: ${sizeOf(storm)} → all incidents open, all pages sent, ms`;
  yield figure(name, milliseconds, copied, [ratioAtMost(4)], 0);
}

type Row = { table: string; values: SQLInputValue[] };

/** Writes all records of a file into another one. @returns the milliseconds of writing */
function copyMillis(from: string, to: string, commits: number): number {
  const source = new DatabaseSync(from, { readOnly: true });
  const rows = TABLES.flatMap((table) =>
    source
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row): Row => ({ table, values: Object.values(row) })),
  );
  source.close();
  const { database, sql } = openWriting(to);
  const each = Math.ceil(rows.length / commits);
  const began = performance.now();
  for (let first = 0; first < rows.length; first += each) {
    sql.run('BEGIN IMMEDIATE');
    for (const { table, values } of rows.slice(first, first + each))
      sql.run(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`, ...values);
    sql.run('COMMIT');
  }
  const took = performance.now() - began;
  database.close();
  return took;
}
