declare const BUILT_FROM: string | undefined;

/**
 * What this program was built from: the tag that its image has, if it has one, and the revision, `2026-11-29 c1524c9`. A `+` says
 * that something in the checkout was changed. `scripts/bundle.ts` puts it in; sources that run as they are have none.
 */
export const VERSION = typeof BUILT_FROM === "string" && BUILT_FROM !== "" ? BUILT_FROM : "unknown";
