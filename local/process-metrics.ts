import { monitorEventLoopDelay } from 'node:perf_hooks';

const NANOSECONDS = 1e9;

/** Metrics of the process that runs everything on one machine, with the names of Prometheus's client libraries. */
export function processMetrics(): () => string {
  const startedAt = Date.now() / 1000 - process.uptime();
  const delay = monitorEventLoopDelay();
  delay.enable();
  return () => {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const longest = delay.max / NANOSECONDS;
    delay.reset();
    return [
      metricLine('process_cpu_seconds_total', 'counter', 'CPU time, user and system', (user + system) / 1e6),
      metricLine('process_resident_memory_bytes', 'gauge', 'Resident memory', rss),
      metricLine(
        'process_start_time_seconds',
        'gauge',
        'Start time of the process, in seconds since the epoch',
        startedAt,
      ),
      metricLine('nodejs_heap_size_used_bytes', 'gauge', 'Used heap', heapUsed),
      metricLine('nodejs_heap_size_total_bytes', 'gauge', 'Reserved heap', heapTotal),
      metricLine('nodejs_external_memory_bytes', 'gauge', 'Memory outside the heap', external),
      metricLine(
        'nodejs_eventloop_lag_max_seconds',
        'gauge',
        'Longest event loop delay since the last scrape',
        longest,
      ),
    ].join('');
  };
}

/** Formats one series without labels in the exposition format. */
export const metricLine = (name: string, type: 'counter' | 'gauge', help: string, value: number): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
