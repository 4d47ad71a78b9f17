/** The file of everything but blobs, in the data folder. */
export const DATABASE_FILE = 'firebreak.sqlite';

/** The folder of the blobs in the data folder: each is a file with its key as the path. Unfinished files begin with a period. */
export const BLOBS_FOLDER = 'blobs';
