// The images of all processes, and whether what docker-compose.yml starts from them is what was tested.
//
//   npm run images                        builds every target, tagged with STAKEBTS_VERSION (also from .env) and this revision
//   npm run images -- --check             builds them, starts the profile dev cold in a project of its own, and looks: scripts/images/check.ts
//   npm run images -- --pin               writes into Dockerfile and docker-compose.yml what the tags of the base images name today
//
// With any engine: DOCKER_HOST, or the default socket. --check says so and ends with 0 where there is none. NODE_IMAGE, POSTGRES_IMAGE
// and REDIS_IMAGE are other base images, PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE and NODE_EXPORTER_IMAGE those that alerts are checked
// with; NPM_CONFIG_USERCONFIG and NODE_EXTRA_CA_CERTS those of a registry of your own.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readVariables } from "./compose/compose-file.ts";
import { buildImages } from "./images/build.ts";
import { checkImages } from "./images/check.ts";
import { whyNoEngine } from "./images/docker.ts";
import { pinBaseImages } from "./images/pin.ts";

const repository = join(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    pin: { type: "boolean", default: false },
    tag: { type: "string" },
    /** The counts of --check, in the words of vitest's JSON. */
    outputFile: { type: "string" },
  },
});

const report = (passed: number, failed: number, pending: number): void => {
  if (values.outputFile === undefined) return;
  const counts = { numPassedTests: passed, numFailedTests: failed, numPendingTests: pending };
  writeFileSync(values.outputFile, JSON.stringify(counts));
};

const missing = await whyNoEngine();
if (missing !== undefined) {
  console.log(`!!! the images are not ${values.check ? "checked" : "built"}: ${missing}`);
  report(0, 0, 1);
  process.exit(values.check ? 0 : 1);
}
if (values.pin) await pinBaseImages(repository);
else if (values.check) {
  const { passed, failed, skipped } = await checkImages(repository, values.tag ?? "check");
  report(passed, failed, skipped);
  console.log(`images: ${passed} steps passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
  process.exit(failed === 0 ? 0 : 1);
} else {
  const file = join(repository, ".env");
  const tag =
    values.tag ??
    process.env["STAKEBTS_VERSION"] ??
    (existsSync(file) ? readVariables(file)["STAKEBTS_VERSION"] : undefined);
  if (!tag) throw new Error("which tag? STAKEBTS_VERSION in .env, or --tag");
  await buildImages(repository, tag);
}
