import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { settingsDocuments } from "./settings-documents.ts";

// Writes what documents say about settings from the table that the processes read them by.

for (const [path, content] of await settingsDocuments()) {
  writeFileSync(join(import.meta.dirname, "..", path), content);
  console.log(`wrote ${path}`);
}
