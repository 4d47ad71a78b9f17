import type { ClientsOf } from '../shared/rollback-target.ts';
import { httpDeployer } from './deployer.ts';
import { httpFlags } from './flags.ts';
import type { http } from './schema.ts';

export const clients: ClientsOf<typeof http> = { deployers: { http: httpDeployer }, flags: { http: httpFlags } };
