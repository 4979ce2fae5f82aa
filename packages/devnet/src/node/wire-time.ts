/** UTC seconds as the node prints them: no zone letter. */
export const wireTime = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);
