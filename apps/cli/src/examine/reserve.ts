import { ConfigError } from "@stakebts/core/config/environment";
import { permissionText, readPermission } from "@stakebts/core/treasury/reserve-permission";
import { readSettings } from "../config.ts";
import type { Context } from "../context.ts";
import { type Finding, ok, problem, skipped } from "./finding.ts";

/** Nothing where no reserve account is set. Whether its key fits is for the payer to find out, at its start. */
export async function examineReserve(
  context: Context,
  before: readonly Finding[],
): Promise<Finding | undefined> {
  let settings;
  try {
    settings = readSettings("reserve", context.environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return problem("reserve", error.message, "correct it; docs/configuration.md says what is accepted");
  }
  const { STAKEBTS_RESERVE_ACCOUNT: name, STAKEBTS_RESERVE_PERMISSION: permissionId } = settings;
  if (name === undefined) return undefined;
  if (!before.some((finding) => finding.name === "account" && finding.state === "ok"))
    return skipped("reserve", "not asked: see nodes and account");
  const [reserve] = await context.chain.accounts([name]);
  if (reserve === undefined)
    return problem(
      "reserve",
      `there is no account ${name} on this chain`,
      "correct STAKEBTS_RESERVE_ACCOUNT, or the nodes are on the wrong chain",
    );
  if (permissionId === undefined) return ok("reserve", `${reserve.name} ${reserve.id}`);
  const custodian = await context.custodian();
  const permission = await readPermission(context.chain, permissionId, { reserve, custodian });
  if ("problem" in permission)
    return problem(
      "reserve",
      permission.problem,
      "have the reserve account create another permission, and put its id into STAKEBTS_RESERVE_PERMISSION",
    );
  return ok("reserve", `${reserve.name}, ${permissionText(permission)}`);
}
