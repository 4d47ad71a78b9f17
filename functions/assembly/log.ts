import type { Clock, Log } from '../../core/domain/ports/system.ts';
import { withoutCredentials } from '../../core/domain/redaction/credentials.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Writes one JSON object per line, without credentials, to standard error. CloudWatch reads this format. */
export function jsonLog(
  clock: Clock,
  level: string,
  fields: Record<string, unknown> = {},
  write: (line: string) => void = toStderr,
): Log {
  const threshold = Math.max(
    LEVELS.findIndex((known) => known === level.toLowerCase()),
    0,
  );
  const line =
    (severity: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, more: Record<string, unknown> = {}) => {
      if (LEVELS.indexOf(severity) < threshold) return;
      const shown = withoutCredentials({ message, ...fields, ...more });
      write(`${JSON.stringify({ time: clock.now(), level: severity, ...shown })}\n`);
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (more) => jsonLog(clock, level, { ...fields, ...more }, write),
  };
}

const toStderr = (line: string): void => {
  process.stderr.write(line);
};
