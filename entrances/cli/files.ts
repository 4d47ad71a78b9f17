/**
 * What the CLI uses of `local/`, so that it reads and writes files exactly as a running Firebreak does.
 *
 * Configuration and runbooks:
 */
export { lintConfigFolder, lintNames, lintRunbooksFolder } from '../../local/config/catalogue-files.ts';
export { loadConfig, loadServices } from '../../local/config/config-files.ts';
export { isExample } from '../../local/config/example.ts';
export { lintObjectives } from '../../local/config/objective-files.ts';
export { lintPeopleFiles } from '../../local/config/people-files.ts';
export { lintFolder, loadRunbooks } from '../../local/config/runbook-files.ts';
export { readLocations } from '../../core/stores/config/yaml-lines.ts';
/** Backup and restore of the data folder: */
export { BadArchive } from '../../local/backup/archive.ts';
export { type Backup, backUp, nameOfBackup, NoBackup, removeOldBackups as prune } from '../../local/backup/backup.ts';
export { NotRestored, restore } from '../../local/backup/restore.ts';
export { NoSnapshot } from '../../local/backup/snapshot.ts';
/** Proposals for a first configuration, by the code of the checks of `doctor`: */
export {
  type HealthHistory,
  type Proposal,
  proposeCatalogue,
  type SearchedServer,
  SearchFailure,
  serverAt,
} from '../../local/config/first-catalogue.ts';
