/** Where the published configuration lies. Apart from how it is read, which takes much that is not always needed. */
export const CONFIG_KEY = 'config/current.json';
