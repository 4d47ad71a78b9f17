/**
 * Key of the published configuration. In its own file, because the code that reads the configuration has large imports.
 */
export const CONFIG_KEY = 'config/current.json';
