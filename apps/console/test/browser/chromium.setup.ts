import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** Empty when there is no Chromium: those tests are skipped, and the set-up has said so loudly. */
    chromium: string;
  }
}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** `CHROMIUM`, else one of the usual names on the PATH. */
function findChromium(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [
    process.env["CHROMIUM"] ?? "",
    ...NAMES.flatMap((name) => folders.map((at) => join(at, name))),
  ];
  return candidates.find((path) => path !== "" && isExecutable(path)) ?? "";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export default function setup(project: TestProject): void {
  const chromium = findChromium();
  if (chromium === "")
    console.error(
      "!!! NO CHROMIUM: set CHROMIUM or apt-get install chromium. Tests of the pages are SKIPPED.",
    );
  project.provide("chromium", chromium);
}
