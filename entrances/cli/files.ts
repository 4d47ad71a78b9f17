/**
 * What the CLI uses of `functions/local/`, so that it reads and writes files exactly as a running Firebreak does.
 *
 * Configuration and runbooks:
 */
export { lintConfigFolder, lintNames, lintRunbooksFolder } from '../../functions/local/config/catalogue-files.ts';
export { loadConfig, loadServices } from '../../functions/local/config/config-files.ts';
export { lintObjectives } from '../../functions/local/config/objective-files.ts';
export { lintPeopleFiles } from '../../functions/local/config/people-files.ts';
export { lintFolder, loadRunbooks } from '../../functions/local/config/runbook-files.ts';
export { parseYaml } from '../../core/config/stores/yaml-lines.ts';
/** Backup and restore of the data folder: */
export { BadArchive } from '../../functions/local/backup/archive.ts';
export {
  type Backup,
  backUp,
  nameOfBackup,
  NoBackup,
  removeOldBackups as prune,
} from '../../functions/local/backup/backup.ts';
export { NotRestored, restore } from '../../functions/local/backup/restore.ts';
export { NoSnapshot } from '../../functions/local/backup/snapshot.ts';
/** Proposals for a first configuration, by the code of the checks of `doctor`: */
export {
  type HealthHistory,
  type Proposal,
  proposeCatalogue,
  type SearchedServer,
  SearchFailure,
  serverAt,
} from '../../functions/local/config/first-catalogue.ts';
