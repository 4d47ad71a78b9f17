import type { Feature } from '../manifest.ts';
import { names } from './names.ts';
import { auditStreamPorts } from './ports.ts';

/** Sends the sealed audit log to a system that collects logs (SIEM). */
export const auditStream: Feature = {
  name: names.feature,
  isConfigured: ({ response }) => response.auditStream !== undefined,
  ports: auditStreamPorts,
  jobs: [{ name: 'send the audit log', run: async (deps) => (await import('./send.ts')).sendAuditLog(deps) }],
  routes: async () => (await import('./routes.ts')).auditStreamRoutes,
  metrics: async () => (await import('./metrics.ts')).metrics,
  findings: async (client) => (await import('./doctor.ts')).streamFindings(client),
};
