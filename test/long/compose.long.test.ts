import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const repository = join(import.meta.dirname, "../..");

it("starts all services from the compose file, pays a nomination though a payer is killed, and stops everything", async () => {
  const child = spawn(
    process.execPath,
    [
      join(repository, "node_modules/tsx/dist/cli.mjs"),
      "--conditions=source",
      join(repository, "scripts/compose-local.ts"),
      "--check",
    ],
    { cwd: repository, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (said += data.toString()));
  const code = await new Promise((resolve) => {
    child.once("exit", resolve);
  });
  expect(code, said).toBe(0);
  expect(said).toContain('"confirmed by the stand-by"');
}, 300_000);
