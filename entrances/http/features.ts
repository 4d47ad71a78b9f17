import { FEATURES } from '../../features/index.ts';

/** Registers the routes of each feature. Loaded with the API, whose description names all routes. */
export const FEATURE_ROUTES = await Promise.all(FEATURES.flatMap(({ routes }) => routes?.() ?? []));

/** Adds the middleware of each feature around the routes, and around all responses. */
export const FEATURE_MIDDLEWARE = await Promise.all(FEATURES.flatMap(({ middleware }) => middleware?.() ?? []));
export const OUTER_MIDDLEWARE = await Promise.all(FEATURES.flatMap(({ outerMiddleware }) => outerMiddleware?.() ?? []));
