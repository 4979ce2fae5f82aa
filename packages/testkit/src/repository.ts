import { join } from "node:path";

/** Folder of this repository. */
export const REPOSITORY = join(import.meta.dirname, "../../..");
