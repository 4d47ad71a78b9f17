import type { Secrets } from '../../core/domain/ports/system.ts';
import { NoResponse } from '../shared/http.ts';
import { type Server, serverAt } from '../shared/server.ts';

/** Reads where Prometheus is. Undefined: none is configured. @throws NoResponse */
export async function readPrometheus(secrets: Secrets): Promise<Server | undefined> {
  const [url, token, user, password] = await Promise.all(
    (['PROMETHEUS_URL', 'PROMETHEUS_TOKEN', 'PROMETHEUS_USER', 'PROMETHEUS_PASSWORD'] as const).map((name) =>
      readSetting(secrets, name),
    ),
  );
  return url ? serverAt(url, { token, user, password }) : undefined;
}

/** Reads a setting of a vendor. If it cannot be read, the vendor counts as not responding, not as off. @throws NoResponse */
export async function readSetting(secrets: Secrets, name: string): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    throw new NoResponse(`cannot read the setting ${name}: ${String(error)}`, { cause: error });
  }
}
