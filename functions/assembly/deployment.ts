import type { Product } from '../../platforms/aws/infra/product.ts';
import { PROJECTION_TARGET_NAMES } from '../../schemas/incidents/projection.ts';
import { permissionsFor } from '../../vendors/aws/permissions.ts';
import { ACCESS } from './access.ts';
import { alarmNames, alarmRow, INTAKE } from './alarm-rows.ts';
import { FUNCTION_NAMES, type FunctionName, FUNCTIONS, REACHING, RECURSIVE, SCHEDULED } from './functions.ts';
import {
  CONSOLE_FILES,
  CONSOLE_PATHS,
  QUEUE,
  READERS,
  STATUS_PATHS,
  SUBSCRIPTIONS_PATH,
  TABLE,
  WAKE_QUEUE,
} from './resources.ts';
import { copyFolder, FUNCTION_GRANTS, parametersFor, SETTABLE } from './secret-groups.ts';

/** What `sst.config.ts` deploys. It loads this file at each deployment, so nothing in it imports the product's code. */
export const DEPLOYMENT: Product = {
  functions: FUNCTIONS,
  scheduled: SCHEDULED,
  recursive: RECURSIVE,
  reaching: REACHING,
  access: ACCESS,
  targetPermissions: permissionsFor,
  secrets: {
    settable: SETTABLE,
    parametersFor,
    grants: FUNCTION_GRANTS,
    copyFolders: Object.fromEntries(FUNCTION_NAMES.map((name) => [name, copyFolder(FUNCTION_GRANTS[name])])) as Record<
      FunctionName,
      string
    >,
  },
  queues: READERS,
  projectorQueues: PROJECTION_TARGET_NAMES,
  queueSettings: QUEUE,
  wakeQueueSettings: WAKE_QUEUE,
  deadLetterDays: QUEUE.deadLetterDays,
  table: TABLE,
  consoleFiles: CONSOLE_FILES,
  consolePaths: CONSOLE_PATHS,
  statusPaths: STATUS_PATHS,
  subscriptionsPath: SUBSCRIPTIONS_PATH,
  alarms: { namesIn: alarmNames, rowOf: alarmRow, intake: INTAKE },
};
