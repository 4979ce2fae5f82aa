import { Hono } from "hono";
import type { ConsoleDeps, ConsoleEnv } from "../console.ts";
import { readFigures } from "./figures.ts";
import { overviewPage } from "./page.ts";

export function overview(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/", async (c) => {
    const figures = await readFigures(deps);
    return c.html(overviewPage(figures, { session: c.get("session"), custodian: deps.custodian }));
  });
  return app;
}
