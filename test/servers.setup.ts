import type { TestProject } from "vitest/node";
import { startPostgres } from "@stakebts/devnet";
import { deploy } from "../prisma/migrate.ts";

declare module "vitest" {
  export interface ProvidedContext {
    pgAdminUrl: string;
  }
}

let starts = 0;
export default async function setup(project: TestProject) {
  const t = performance.now();
  const pg = await startPostgres();
  await deploy(await pg.createDatabase("template_app"));
  project.provide("pgAdminUrl", pg.url("postgres"));
  console.log(
    `globalSetup #${++starts} project=${project.name} pg up + migrated in ${(performance.now() - t).toFixed(0)} ms, port ${pg.port}`,
  );
  return async () => {
    const t = performance.now();
    await pg.stop();
    console.log(`teardown ${(performance.now() - t).toFixed(0)} ms`);
  };
}
