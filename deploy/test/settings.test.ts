import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { settingsDocuments } from "../../scripts/settings-documents.ts";

it("the documents say of settings what the table of settings says", async () => {
  for (const [path, content] of await settingsDocuments())
    expect(
      readFileSync(join(import.meta.dirname, "../..", path), "utf8"),
      `${path} is older than the settings: run \`npm run settings:write\``,
    ).toBe(content);
});
