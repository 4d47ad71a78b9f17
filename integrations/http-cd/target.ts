import type { Deployers } from '../shared/rollback-target.ts';
import { httpDeployer } from './deployer.ts';

export const httpDeployers: Deployers<'http'> = { http: httpDeployer };
