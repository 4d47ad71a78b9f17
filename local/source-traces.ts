import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';

/** A frame of a stack trace, which V8 can write as text. */
type Frame = NodeJS.CallSite & { toString(): string };

/**
 * Names files and lines of the sources in the stack traces of bundles; the build adds it to each program and thread. Reads a
 * map when a trace first names its bundle: with `--enable-source-maps`, each thread reads and keeps all of them at the start.
 * An error that ends the program is printed without the line of the bundle, which can be as long as the bundle.
 */
export function traceSources(): void {
  const maps = new Map<string, SourceMap | undefined>();
  const named = (frame: Frame): string => {
    const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
    if (!file?.startsWith('file:') || line === null || column === null) return frame.toString();
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const origin = maps.get(file)?.findOrigin(line, column);
    if (origin === undefined || !('fileName' in origin)) return frame.toString();
    const place = `${new URL(origin.fileName, file).href}:${origin.lineNumber}:${origin.columnNumber}`;
    return frame.toString().replace(`${file}:${line}:${column}`, () => place);
  };
  Error.prepareStackTrace = (error, frames) =>
    [headline(error), ...frames.map((frame: Frame) => `    at ${named(frame)}`)].join('\n');
  if (isMainThread) process.once('uncaughtException', end); // of a thread, the program gets the error
}

function end(error: unknown): never {
  console.error(inspect(error));
  process.exit(1);
}

/** As Node writes it: its own errors have their code. */
function headline(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const text = Error.prototype.toString.call(error);
  return code?.startsWith?.('ERR_') === true ? text.replace(error.name, () => `${error.name} [${code}]`) : text;
}

function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${file}.map`), 'utf8')) as SourceMapPayload);
  } catch {
    return undefined; // a module without a map, such as one of a person's own
  }
}
