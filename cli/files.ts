/** The files of the set, read exactly as a start reads them. */
export { loadConfig } from '../local/config-files.ts';
export { lintFolder, loadRunbooks } from '../local/runbook-files.ts';
