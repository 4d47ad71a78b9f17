/** Returns the path of a URL from a decoded one. */
export const encodedPath = (path: string): string => path.toWellFormed().split('/').map(encodeURIComponent).join('/');
